"""A run's network as the model is told it: from configuration to sizes, without building anything."""

from sprint import data
from sprint.diffusion.denoiser import ModelConfig
from sprint.methods import METHODS
from sprint.plan.schema import Run


def model_config(run: Run) -> ModelConfig:
    """The network of a run; its data set is asked for channels and classes, not read."""
    channels, classes = data.facts(run.data)
    settings = METHODS[run.method].Settings(**run.settings)
    backbone = run.model.on(run.image_size, run.drop)
    return ModelConfig(channels, run.image_size, classes, backbone, run.method, settings)
