"""The cost table of a study: modelled FLOP by stage and by sampling step, and measured speed. One row per setting."""

from collections.abc import Collection, Iterable

from sprint.diffusion.guidance import kind_name
from sprint.report.blocks import Block, text_table
from sprint.report.format import listed, prefix, ranged, significant
from sprint.report.read import Run, Study
from sprint.report.views import Report, StudyView

UNKNOWN = "–"


class Costs(StudyView):
    title = "Cost by stage, sampling step and device"
    order = 130

    def applies(self, study: Study, report: Report) -> bool:
        return any(run.cost for run in study.runs)

    def blocks(self, study: Study, report: Report) -> list[Block]:
        return [text_table(*cost_rows(study), folded=self.title, caption=_caption(study))]


def _caption(study: Study) -> str:
    """How the measured columns came about; empty while nothing was measured."""
    about = study.throughput
    if "base" not in about:  # not measured, or by earlier code
        return ""
    elsewhere = sorted(set(about.get("measured_in", {}).values()) - {study.name})
    shared = f" Networks that study {listed(elsewhere)} has too were measured there, once." if elsewhere else ""
    return (
        f"Measured: medians and ranges over turns with {about['base']} and nothing beside them, batch "
        f"{about['batch']}, {about['threads']} threads, batches drawn from the data. "
        f"A guidance's calls go through the network as one batch or apart, whichever was faster.{shared}"
    )


def cost_rows(study: Study) -> tuple[list[str], list[list[str]]]:
    """Headers with units and rows of text; no rows where no cost is known. Unknown cells are dashes."""
    runs = {setting: next((run for run in runs if run.cost), None) for setting, runs in study.settings.items()}
    known = {setting: run for setting, run in runs.items() if run is not None}
    stages = _names([stage["name"] for stage in run.cost["stages"]] for run in known.values())
    kinds = _names(run.cost["sampling_flops_per_step"] for run in known.values())
    each, total, step = _units(known.values())
    headers = [f"{stage} {each[1]}FLOP per image, modelled" for stage in stages]
    headers += [f"{stage} {total[1]}FLOP in all, modelled" for stage in stages]
    headers += [f"sampling {step[1]}FLOP per step and image, {kind_name(kind)}, modelled" for kind in kinds]
    headers += [f"sampling steps × images / s, {kind_name(kind)}, measured" for kind in kinds]
    headers += ["sparse training images / s, measured", "full-token training images / s, measured"]
    rows = [
        [setting, *_stages(run, stages, each[0], total[0]), *_sampling(run, kinds, step[0]), *_training(run)]
        for setting, run in known.items()
    ]
    return ["setting", *headers], rows


def _units(runs: Collection[Run]) -> list[tuple[float, str]]:
    """Factor and letter for FLOP per image, of a whole stage, of a sampling step."""
    stages = [stage for run in runs for stage in run.cost["stages"]]
    sampling = [flops for run in runs for flops in run.cost["sampling_flops_per_step"].values()]
    each, total = ([stage[key] for stage in stages] for key in ("flops_per_image", "flops"))
    return [prefix(each), prefix(total), prefix(sampling)]


def _stages(run: Run, names: list[str], per_image: float, in_all: float) -> list[str]:
    by_name = {stage["name"]: stage for stage in run.cost["stages"]}
    each = [_scaled(by_name.get(name, {}).get("flops_per_image"), per_image) for name in names]
    return each + [_scaled(by_name.get(name, {}).get("flops"), in_all) for name in names]


def _sampling(run: Run, kinds: list[str], per_step: float) -> list[str]:
    flops = [_scaled(run.cost["sampling_flops_per_step"].get(kind), per_step) for kind in kinds]
    return flops + [_speed(run.throughput.get(f"sample_{kind}")) for kind in kinds]


def _training(run: Run) -> list[str]:
    return [_speed(run.throughput.get(stage)) for stage in ("train", "finetune")]


def _speed(speed: dict | None) -> str:
    """The median with its range and, of a guidance with several calls, how they were made."""
    if speed is None:
        return UNKNOWN
    return ", ".join(part for part in (ranged(speed), speed.get("calls")) if part)


def _scaled(value: float | None, unit: float) -> str:
    return UNKNOWN if value is None else significant(value / unit)


def _names(lists: Iterable[Iterable[str]]) -> list[str]:
    """All names in order of first appearance."""
    return list(dict.fromkeys(name for names in lists for name in names))
