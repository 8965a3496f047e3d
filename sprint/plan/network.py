"""A run's network as the model is told it: from configuration to sizes, without building anything."""

from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.plan.schema import Run


def model_config(run: Run) -> ModelConfig:
    """The network of a run; its data set is asked for channels and classes, not read."""
    examples = run.examples()
    settings = METHODS[run.method].Settings(**run.settings)
    backbone = run.model.on(examples.size, run.drop)
    return ModelConfig(examples.channels, examples.size, examples.classes, backbone, run.method, settings)
