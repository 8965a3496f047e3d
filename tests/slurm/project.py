"""What the tests of this folder train and evaluate: a study of two trainings, as small as can be."""

import json
import os
import signal
from pathlib import Path

import yaml

from sprint.plan.reading import load_plan


class Project:
    """A scratch folder with one preset, smoke but for `scale` and `training`, and a run of it that tests interrupt."""

    def __init__(self, folder: Path, scale: dict | None = None, **training):
        self.folder = folder
        preset = yaml.safe_load((folder / "workflow/presets/smoke.yaml").read_text())
        preset["studies"] = ["guidance"]
        preset["train"] |= training
        for key, value in (scale or {}).items():
            preset[key] = preset.get(key, {}) | value if isinstance(value, dict) else value
        (folder / "workflow/presets/scratch.yaml").write_text(yaml.safe_dump(preset))
        self.results = folder / "results/scratch"
        runs = load_plan("scratch", folder).study("guidance").runs
        self.runs = sorted(run.name for run in runs)
        self.run = next(run.name for run in runs if run.method == "sprint")
        self.run_folder = self.results / "runs" / self.run
        self.target = self.run_folder.relative_to(folder) / "train.json"

    def weights(self) -> dict[str, bytes]:
        """The averaged weights of every milestone."""
        return {path.name: path.read_bytes() for path in sorted(self.run_folder.glob("milestones/*.safetensors"))}

    def checkpointed(self) -> bool:
        return any(self.run_folder.glob("checkpoints/*.json"))

    def trainer(self) -> int:
        """The process that holds the run."""
        return json.loads((self.run_folder / "lock").read_text())["pid"]

    def pause(self) -> int:
        """Stop the training as a hanging file system would; SIGCONT lets it go on."""
        os.kill(self.trainer(), signal.SIGSTOP)
        return self.trainer()
