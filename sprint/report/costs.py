"""The cost table of a study: modelled FLOP by stage and by sampling step, measured speed and memory."""

from sprint.report.read import TERA, Run, Study
from sprint.report.words import significant

GIGA, MEBI = 1e9, 2**20
UNKNOWN = "–"


def cost_rows(study: Study) -> tuple[list[str], list[list[str]]]:
    """Headers with units and rows of text; empty where no cost is known. Unknown cells are dashes."""
    runs = {setting: next((run for run in runs if run.cost), None) for setting, runs in study.settings.items()}
    known = {setting: run for setting, run in runs.items() if run is not None}
    stages = _names([[stage["name"] for stage in run.cost["stages"]] for run in known.values()])
    kinds = _names([run.cost["sampling_flops_per_step"] for run in known.values()])
    headers = [f"{stage} GFLOP per image, modelled" for stage in stages]
    headers += [f"{stage} TFLOP in all, modelled" for stage in stages]
    headers += [f"sampling GFLOP per step and image, {_kind(kind)}, modelled" for kind in kinds]
    headers += [f"sampling images / s, {_kind(kind)}, measured" for kind in kinds]
    headers += [
        "training images / s, measured",
        "full-token training images / s, measured",
        "peak memory / MiB, measured",
    ]
    rows = [[setting, *_stages(run, stages), *_sampling(run, kinds), *_measured(run)] for setting, run in known.items()]
    return ["setting", *headers], rows


def _stages(run: Run, names: list[str]) -> list[str]:
    by_name = {stage["name"]: stage for stage in run.cost["stages"]}
    each = [_scaled(by_name.get(name, {}).get("flops_per_image"), GIGA) for name in names]
    return each + [_scaled(by_name.get(name, {}).get("flops"), TERA) for name in names]


def _sampling(run: Run, kinds: list[str]) -> list[str]:
    flops, speeds = run.cost["sampling_flops_per_step"], run.throughput.get("sample_images_per_s", {})
    return [_scaled(flops.get(kind), GIGA) for kind in kinds] + [_speed(speeds.get(kind)) for kind in kinds]


def _measured(run: Run) -> list[str]:
    training = [_speed(run.throughput.get(key)) for key in ("train_images_per_s", "finetune_images_per_s")]
    return [*training, _scaled(run.throughput.get("peak_memory_bytes"), MEBI)]


def _speed(speed: dict | None) -> str:
    """Median with the range of the repetitions."""
    if speed is None:
        return UNKNOWN
    return f"{significant(speed['median'])} ({significant(speed['low'])}–{significant(speed['high'])})"


def _scaled(value: float | None, unit: float) -> str:
    return UNKNOWN if value is None else significant(value / unit)


def _names(lists) -> list[str]:
    """All names in order of first appearance."""
    return list(dict.fromkeys(name for names in lists for name in names))


def _kind(kind: str) -> str:
    return "unguided" if kind == "none" else kind.upper()
