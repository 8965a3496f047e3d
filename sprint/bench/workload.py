"""The work of a run as the forecast takes it: images by what is done with them, FLOPs, bytes. Counted, not measured."""

from dataclasses import replace

from sprint.cost.flops import TRAINING_FACTOR, activation_bytes, on_meta, parameters, sampling_flops
from sprint.cost.forecast import SAMPLING, Part, Work
from sprint.diffusion.guidance import GUIDANCES, Guidance, compared_kinds
from sprint.methods import METHODS
from sprint.metrics.extractors import extractor_named
from sprint.plan.budget import cost_of
from sprint.plan.network import model_config
from sprint.plan.schedule import stages
from sprint.plan.schema import Drawing, Plan, Preset, Run, Study

BYTES = {"float32": 4, "bfloat16": 2}  # of an activation
PICTURE = 3  # channels of a kept picture, at most


def work_of(run: Run, preset: Preset, sweeps: list[Drawing], devices: int) -> Work:
    """Training and sampling of a run and its evaluations; `sweeps` are those of a study beyond the preset's."""
    drawings = [*(drawing for _, drawing in preset.evaluate.asked(run.train.milestones)), *sweeps]
    return Work(
        run=run.name,
        label=run.label,
        method=run.method,
        parts=[*_training(run, preset), *_sampling(run, preset, drawings)],
        parameters=parameters(on_meta(model_config(run))),
        activations=_activations(run, preset, devices),
        milestones=len(run.train.milestones),
        evaluations=len(drawings) * _evaluation_bytes(preset),
    )


def works(plan: Plan, studies: list[Study], devices: int) -> list[Work]:
    """Of all runs of some studies, each once."""
    runs = {run.name: run for study in studies for run in study.runs}
    return [
        work_of(run, plan.preset, [one for study in studies for one in study.sweeps.get(name, [])], devices)
        for name, run in runs.items()
    ]


def _training(run: Run, preset: Preset) -> list[Part]:
    if run.checkpoint:
        return []
    again = (TRAINING_FACTOR + 1) / TRAINING_FACTOR if preset.passes.recompute else 1.0
    return [
        Part(name, stage["steps"] * stage["batch"], stage["flops_per_image"], again)
        for name, stage in zip(("train", "finetune"), cost_of(run)["stages"], strict=True)
        if stage["steps"]
    ]


def _sampling(run: Run, preset: Preset, drawings: list[Drawing]) -> list[Part]:
    """Evaluations of the guided velocity by what they cost: outside a guidance's interval they are plain."""
    images: dict[str, float] = {}
    flops: dict[str, int] = {}
    sampler, plain, model = preset.evaluate.sampler, GUIDANCES[Guidance.usual](), on_meta(model_config(run))
    for drawing in drawings:
        low, high = drawing.guidance.interval
        for t, following in sampler.times(_evenly):
            now = drawing if low <= t <= high else replace(drawing, guidance=plain)
            what = _measured_as(run, now)
            images[what] = images.get(what, 0) + preset.evaluate.images * sampler.calls(t, following)
            flops[what] = sampling_flops(model, now.guidance, now.attention)
    return [Part(what, count, flops[what]) for what, count in images.items()]


def _measured_as(run: Run, drawing: Drawing) -> str:
    """What the speed of a guidance's calls is measured as; its own text where no measured kind makes equal ones, and
    where another attention than the usual, with which speeds are measured, makes them."""
    guidance = drawing.guidance

    def cost(kind: Guidance) -> list[tuple]:
        return [(call.skip, call.drop) for call in kind.calls()]

    kinds = compared_kinds(METHODS[run.method])
    alike = next((kind for kind in kinds if cost(GUIDANCES[kind]()) == cost(guidance)), guidance.text())
    return f"{SAMPLING}{alike if drawing.attention.is_usual else drawing.text()}"


def _evenly(first: float, last: float, count: int) -> list[float]:
    return [first + (last - first) * place / (count - 1) for place in range(count)]


def _activations(run: Run, preset: Preset, devices: int) -> int:
    """Bytes that the largest pass of a device keeps: of both stages, at so many images as a pass takes."""
    config, bytes_each = model_config(run), BYTES[run.train.precision]
    found = []
    for stage in stages(run):
        share = -(-stage.batch // devices)
        images = min(share, preset.passes.micro_batch or share)
        each = activation_bytes(config, stage.kept, bytes_each)
        if preset.passes.recompute:  # every block's input, and the inside of the one that is computed again
            backbone = config.backbone
            each = backbone.depth * backbone.tokens * backbone.width * bytes_each + each // backbone.depth
        found.append(images * each if stage.steps else 0)
    return max(found)


def _evaluation_bytes(preset: Preset) -> int:
    """What one evaluation leaves: its features in float32, and the pictures that are kept to be looked at."""
    evaluate = preset.evaluate
    features = evaluate.images * sum(extractor_named(name).dim for name in evaluate.extractors) * 4
    return features + evaluate.grid * PICTURE * preset.image_size**2
