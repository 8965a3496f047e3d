"""A small classifier of single cells, applied to every cell of an image that shows several small pictures.

It learns from the first cell alone, whose content the label names. Its features are those of all cells, side by side,
in reading order: a Fréchet distance of them sees how cells look and how they go together.
"""

from dataclasses import replace

from sprint.metrics.extractors.cnn import Classifier
from sprint.runtime.errors import UserError


class Cells(Classifier):
    title = "small classifier of cells"
    takes = "images of the size, channels and number of cells that it was trained on"
    reads_cells = True
    hidden = 16  # of a cell
    steps = 600

    @staticmethod
    def build(weights):
        from sprint.metrics.networks import fidelity

        return fidelity.SmallCells("cells", [fidelity.Small.LAYER], weights)

    @classmethod
    def dim_of(cls, network):
        return network.cells**2 * cls.hidden

    @staticmethod
    def learns_from(images):
        """The first cells, and their labels."""
        if images.cells < 2:
            raise UserError(
                f"data set {images.name} shows one picture in an image; allowed for an extractor that reads cells: "
                "data sets of several, such as mosaic"
            )
        side = images.pixels.shape[-1] // images.cells
        return replace(images, pixels=images.pixels[..., :side, :side].contiguous())
