"""A run's network as the model is told it: from configuration to sizes, without building anything."""

from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.plan.schema import Run
from sprint.runtime.strict import convert
from sprint.teachers import Teacher


def model_config(run: Run) -> ModelConfig:
    """The network of a run; its data set is asked for channels and classes, not read."""
    examples = run.examples()
    settings = METHODS[run.method].Settings(**run.settings)
    backbone = run.model.on(examples.size, run.drop)
    teacher = convert(Teacher, run.teacher, "teacher") if run.teacher else None
    return ModelConfig(
        examples.channels, examples.size, examples.classes, backbone, run.method, settings, teacher=teacher
    )
