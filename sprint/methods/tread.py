"""TREAD, token routing (arXiv 2501.04765): some tokens skip the blocks of a route and rejoin after it, as they were."""

import re
from dataclasses import dataclass, replace

from sprint.methods import Method
from sprint.nn.backbones import Backbone
from sprint.nn.tokens import put_back, take
from sprint.runtime.errors import UserError


@dataclass(frozen=True)
class Settings:
    route: str = (
        "2-*"  # first and last block of the route, both inside it; * is the depth - 4 of the paper's B/2 (2-8 of 12)
    )


class Tread(Method):
    Settings = Settings
    title = "TREAD"
    cites = "arXiv 2501.04765"

    def __init__(self, backbone: Backbone, settings: Settings):
        super().__init__(backbone)
        first, last = route(settings.route, backbone.depth)
        self.encoder = backbone.blocks(0, first)
        self.middle = backbone.blocks(first, last + 1)
        self.decoder = backbone.blocks(last + 1, backbone.depth)

    @classmethod
    def resolve(cls, settings: Settings, backbone: Backbone) -> Settings:
        return replace(settings, route="-".join(map(str, route(settings.route, backbone.depth))))

    @classmethod
    def sparse(cls, settings: Settings, backbone: Backbone) -> range:
        first, last = route(settings.route, backbone.depth)
        return range(first, last + 1)

    def forward(self, x_BND, context, keep_BK=None, skip=False):
        x_BND = self.encoder(x_BND, context)
        routed = self.middle(take(x_BND, keep_BK), context.at(keep_BK))
        return self.decoder(put_back(routed, keep_BK, x_BND), context)


def route(text: str, depth: int) -> tuple[int, int]:
    """(first, last) block of a route such as "2-8" or "2-*". Raises UserError when it leaves the depth."""
    found = re.fullmatch(r"([0-9]+)-([0-9]+|\*)", text)
    first, last = (depth - 4 if part == "*" else int(part) for part in found.groups()) if found else (0, depth)
    if not first <= last < depth:
        raise UserError(
            f"route is {text!r}; allowed: first-last with first <= last < {depth}, the depth (blocks count from 0)"
        )
    return first, last
