"""Files of results/<preset> as the report asks for them: each read once, and a sentence for each that is damaged."""

from dataclasses import dataclass, field
from pathlib import Path

from sprint.runtime import results as kinds
from sprint.runtime import status
from sprint.runtime.errors import UserError

FINISHED = ("done", "diverged", "failed")  # ends of a training


@dataclass
class Disk:
    """results/<preset>, and a sentence for every file of it that was asked for and is not what it should be."""

    folder: Path
    damaged: list[str] = field(default_factory=list)
    known: dict[str, dict] = field(default_factory=dict)  # by path

    def optional(self, kind: kinds.Kind, path: str) -> dict:
        """The content of a file; empty where it is not there yet, or damaged."""
        if path not in self.known:
            try:
                self.known[path] = kind.read(self.folder / path) if (self.folder / path).exists() else {}
            except UserError as error:
                self.damaged.append(str(error))
                self.known[path] = {}
        return self.known[path]

    def status(self, run: str) -> dict:
        """What became of the run in a folder; empty where none was begun, or what tells it is damaged."""
        try:
            return status.read(self.folder / run)
        except UserError as error:
            self.damaged.append(str(error))
            return {}

    def all_of(self, kind: kinds.Kind) -> dict[str, dict]:
        """All readable files of a kind by name without ending, in the order of their names."""
        paths = [path.relative_to(self.folder) for path in sorted(self.folder.glob(kind.pattern))]
        return {path.stem: found for path in paths if (found := self.optional(kind, str(path)))}

    def costs(self, study: str) -> dict:
        """Modelled cost by run: the study's own file, completed by others' (a cost depends on the run alone)."""
        costs: dict = {}
        for _, found in sorted(self.all_of(kinds.COST).items(), key=lambda item: item[0] == study):
            costs.update(found["runs"])
        return costs


def fate_of(train: dict, metrics: dict) -> tuple[str, str]:
    """State and reason of a run from what tells of its training and the file of its evaluations."""
    state = train.get("state") or metrics.get("state")
    if state is None:
        return "missing", "not trained yet"
    if state not in FINISHED:
        return "missing", f"training is {state}: {train['reason']}" if train.get("reason") else f"training is {state}"
    if state != "done":
        step = f"at step {train['step']} of {train['steps']}" if "steps" in train else ""
        return state, ": ".join(part for part in (step, train.get("reason") or metrics.get("reason")) if part)
    return ("done", "") if metrics.get("evaluations") else ("missing", "trained, not evaluated yet")
