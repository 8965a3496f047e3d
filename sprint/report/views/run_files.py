"""How a run is made again, what it was made of, and the files it left: relative links."""

from sprint.report.blocks import Block, Facts, Prose
from sprint.report.read import Run
from sprint.report.tables import rerun_command
from sprint.report.views import Report, RunView


class RunFiles(RunView):
    title = "Made of, and made again"
    order = 40

    def applies(self, run: Run, report: Report) -> bool:
        return True

    def blocks(self, run: Run, report: Report) -> list[Block]:
        study = next(study for study in report.studies if run.name in {one.name for one in study.runs})
        facts = [("schedule", _pairs(run.config.get("train", {}))), ("model", _pairs(run.config.get("model", {})))]
        facts += [("data", _pairs(run.config.get("data", {}))), ("machine", _pairs(run.train.get("machine", {})))]
        facts += [("versions", _pairs(run.train.get("versions", {}))), ("commit", run.train.get("commit", ""))]
        known = tuple((name, (value,)) for name, value in facts if value)
        found: list[Block] = [
            Prose("Trained and measured anew by", command=rerun_command(study, run), title=self.title)
        ]
        found += [Facts(known)] if known else []
        links = _files(run, report)
        return [*found, Prose("Its files:", links=links, style="files")] if links else found


def _files(run: Run, report: Report) -> tuple[tuple[str, str], ...]:
    """Those that are there, below results/<preset>."""
    names = [f"runs/{run.name}/{name}" for name in ("config.json", "train.json", "metrics.json", "samples")]
    names += [f"logs/{stage}-{run.name}.log" for stage in ("train", "evaluate")]
    names += [f"benchmarks/train-{run.name}.tsv"]
    return tuple((name.rpartition("/")[2], f"file:{name}") for name in names if (report.results / name).exists())


def _pairs(facts: dict) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items())
