"""What code shapes an evaluation: how images are drawn, what sees them, and what is computed of that.

Hashes by file, as runtime/code.py makes them. What shapes a run's weights says the run itself, schema.py.
"""

from sprint.data.codecs import Codec
from sprint.diffusion.guidance import Guidance
from sprint.metrics import METRICS
from sprint.metrics.extractors import extractor_named
from sprint.plan.schema import Evaluating
from sprint.runtime.code import shaping

DRAWING = ("sprint.diffusion.sample", "sprint.evaluation.held_out")  # and losses, which are kept beside features
SEEING = "sprint.metrics.networks.loading"
COMPUTING = ("sprint.metrics.measuring", "sprint.metrics.measuring.bootstrap", "sprint.metrics.measuring.floor")


def of_features(evaluating: Evaluating, guidances: list[Guidance], codec: Codec) -> dict[str, str]:
    """What shapes the features of images that are drawn under these guidances."""
    drawn = [type(one).__module__ for one in (evaluating.sampler, *guidances, codec)]
    seen = [extractor_named(name).__module__ for name in evaluating.extractors]
    return shaping(*DRAWING, SEEING, *drawn, *seen)


def of_evaluation(evaluating: Evaluating, guidances: list[Guidance], codec: Codec) -> dict[str, str]:
    """What shapes the metrics of such images: that, and every metric."""
    computed = shaping(*COMPUTING, *(metric.__module__ for metric in METRICS.values()))
    return dict(sorted({**of_features(evaluating, guidances, codec), **computed}.items()))
