"""The vanilla DiT / SiT (arXiv 2212.09748, 2401.08740): every block sees every token."""

from sprint.errors import UserError
from sprint.methods import Method, Spec


class Dense(Method):
    title = "dense (DiT/SiT)"
    subsampling = ""

    def __init__(self, spec: Spec, settings: object):
        super().__init__(spec)
        self.blocks = spec.blocks(0, spec.depth)

    @classmethod
    def check(cls, settings: object, spec: Spec, drop: float) -> None:
        if drop != 0:
            raise UserError(f"drop is {drop}; allowed: 0, as a dense transformer drops no tokens")

    def forward(self, x_BND, where, keep_BK=None, skip=False):
        return self.blocks(x_BND, where)
