"""A run's network as the model is told it: from configuration to shapes, without building anything."""

from sprint import data
from sprint.config import Backbone, Run
from sprint.methods import Spec, find
from sprint.model import Shape


def spec_of(model: Backbone, image_size: int, drop: float) -> Spec:
    """The backbone as methods are told it."""
    grid = image_size // model.patch
    return Spec(model.width, model.depth, model.heads, grid, model.positions, model.qk_norm, drop)


def shape_of(run: Run) -> Shape:
    """The network of a run; its data set is asked for channels and classes, not read."""
    channels, classes = data.facts(run.data)
    spec, settings = spec_of(run.model, run.image_size, run.drop), find(run.method).Settings(**run.settings)
    return Shape(channels, run.image_size, run.model.patch, classes, spec, run.method, settings)
