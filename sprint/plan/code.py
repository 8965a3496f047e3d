"""What code shapes an evaluation: how images are drawn, what sees them, and what is computed of that.

Hashes by file, as runtime/code.py makes them. What shapes a run's weights says the run itself, schema.py.
"""

from collections.abc import Iterable

from sprint.data.codecs import Codec
from sprint.diffusion.attention import Attention
from sprint.metrics import METRICS
from sprint.metrics.extractors import extractor_named
from sprint.plan.schema import Drawing, Evaluating
from sprint.runtime.code import shaping

DRAWING = ("sprint.diffusion.sample", "sprint.evaluation.held_out")  # and losses, which are kept beside features
ASKING = "sprint.diffusion.attending"
SEEING = "sprint.metrics.networks.loading"
COMPUTING = ("sprint.metrics.measuring", "sprint.metrics.measuring.bootstrap", "sprint.metrics.measuring.floor")


def of_features(evaluating: Evaluating, drawings: list[Drawing], codec: Codec) -> dict[str, str]:
    """What shapes the features of images that are drawn so."""
    drawn = [type(one).__module__ for one in (evaluating.sampler, *(one.guidance for one in drawings), codec)]
    seen = [extractor_named(name).__module__ for name in evaluating.extractors]
    asked = of_attentions(drawing.attention for drawing in drawings)
    return dict(sorted({**shaping(*DRAWING, SEEING, *drawn, *seen), **asked}.items()))


def of_attentions(attentions: Iterable[Attention]) -> dict[str, str]:
    """What shapes networks that are asked with these; of the usual one, which is torch's own, nothing."""
    found = [type(one).__module__ for one in attentions if not one.is_usual]
    return shaping(ASKING, *found) if found else {}


def of_evaluation(evaluating: Evaluating, drawings: list[Drawing], codec: Codec) -> dict[str, str]:
    """What shapes the metrics of such images: that, and every metric."""
    computed = shaping(*COMPUTING, *(metric.__module__ for metric in METRICS.values()))
    return dict(sorted({**of_features(evaluating, drawings, codec), **computed}.items()))
