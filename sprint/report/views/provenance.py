"""Where the numbers of a page come from: commit, versions, machine, seeds, durations, extractors."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sprint.diffusion import samplers
from sprint.report.blocks import Block, Facts
from sprint.report.disk import Disk
from sprint.report.format import listed, seconds_text
from sprint.report.read import Run, Study
from sprint.report.views import Report, ReportView
from sprint.runtime.results import EXTRACTOR


@dataclass(frozen=True)
class Fact:
    name: str
    values: list[str]


class Provenance(ReportView):
    title = "Provenance"
    order = 40

    def applies(self, report: Report) -> bool:
        return True

    def blocks(self, report: Report) -> list[Block]:
        found = provenance(report.studies, report.results)
        return [Facts(tuple((fact.name, tuple(fact.values)) for fact in found), self.title)]


def provenance(studies: list[Study], results: Path) -> list[Fact]:
    """Facts about all runs of a page, each distinct value with how often it was found."""
    runs = list({run.name: run for study in studies for run in study.runs}.values())
    known, disk = [run for run in runs if run.train], Disk(results)
    facts = [
        Fact("commit", _counted([run.train.get("commit", "unknown") for run in known])),
        Fact("versions", _counted([_pairs(run.train.get("versions", {})) for run in known])),
        Fact("machine", _counted([_pairs(run.train.get("machine", {})) for run in known])),
        Fact("seeds", [listed(sorted({str(run.seed) for run in known}))]),
        Fact("data", _counted([_pairs(run.config.get("data", {})) for run in known])),
        Fact("model", _counted([_pairs(run.config.get("model", {})) for run in known])),
        Fact("schedule", _counted([_pairs(run.config.get("train", {})) for run in known])),
        Fact("runs", _counted([run.state for run in runs])),
        Fact("durations", _durations(known)),
        Fact("speed measured with", _counted([_pairs(_measured(study)) for study in studies if study.throughput])),
        Fact(
            "extractors",
            [*map(_extractor, disk.all_of(EXTRACTOR).values()), *(f"not read: {one}" for one in disk.damaged)],
        ),
        Fact("sampler", _samplers(runs)),
    ]
    return [Fact(fact.name, [value for value in fact.values if value] or ["not recorded"]) for fact in facts]


def _counted(values: list[str]) -> list[str]:
    """Distinct values, the commonest first; with more than one, how often each was found."""
    counts = Counter(values).most_common()
    return [value if len(counts) == 1 else f"{value} ({count}×)" for value, count in counts]


def _pairs(facts: dict) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items())


def _durations(runs: list[Run]) -> list[str]:
    training = [run.trained_seconds for run in runs if run.trained_seconds is not None]
    evaluating = [run.evaluate["seconds"] for run in runs if "seconds" in run.evaluate]
    named = (("training", training), ("evaluation", evaluating))
    return [
        f"{name}: {seconds_text(sum(taken))} in all, {seconds_text(min(taken))} to {seconds_text(max(taken))} a run"
        for name, taken in named
        if taken
    ]


def _measured(study: Study) -> dict:
    """How a study's speed was measured; the memory is that of the measuring process."""
    about = study.throughput
    memory = f"{about['peak_memory_bytes'] / 2**20:.0f} MiB"
    return {"threads": about["threads"], "batch": about["batch"], "peak memory": memory}


def _extractor(facts: dict) -> str:
    """An extractor's facts; its hash is cut for reading, the whole stands in its JSON."""
    shown = {
        key: f"{value[:12]}…" if key == "sha256" else value
        for key, value in facts.items()
        if not isinstance(value, dict | list)
    }
    name = shown.pop("name", "unnamed")
    return f"{name}: {_pairs(shown)}"


def _samplers(runs: list[Run]) -> list[str]:
    return _counted([samplers.text(entry["sampler"]) for run in runs for entry in run.evaluations[-1:]])
