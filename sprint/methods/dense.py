"""The vanilla DiT / SiT (arXiv 2212.09748, 2401.08740): every block sees every token."""

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.runtime.errors import UserError


class Dense(Method):
    title = "dense (DiT/SiT)"
    cites = "arXiv 2212.09748, 2401.08740"
    subsampling = ""

    def __init__(self, backbone: Backbone, settings: object):
        super().__init__(backbone)
        self.blocks = backbone.blocks(0, backbone.depth)

    @classmethod
    def check(cls, settings: object, backbone: Backbone) -> None:
        if backbone.drop != 0:
            raise UserError(f"drop is {backbone.drop}; allowed: 0, as a dense transformer drops no tokens")

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        return self.blocks(x_BND, context)
