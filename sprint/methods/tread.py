"""TREAD, token routing (arXiv 2501.04765): some tokens skip the blocks of a route and rejoin after it, as they were."""

import re
from dataclasses import dataclass, replace

from sprint.errors import UserError
from sprint.methods import Method, Spec
from sprint.tokens import put_back, take


@dataclass(frozen=True)
class Settings:
    route: str = (
        "2-*"  # first and last block of the route, both inside it; * is the depth - 4 of the paper's B/2 (2-8 of 12)
    )


class Tread(Method):
    Settings = Settings
    title = "TREAD"

    def __init__(self, spec: Spec, settings: Settings):
        super().__init__(spec)
        first, last = route(settings.route, spec.depth)
        self.encoder = spec.blocks(0, first)
        self.middle = spec.blocks(first, last + 1)
        self.decoder = spec.blocks(last + 1, spec.depth)

    @classmethod
    def resolve(cls, settings: Settings, spec: Spec) -> Settings:
        return replace(settings, route="-".join(map(str, route(settings.route, spec.depth))))

    def forward(self, x_BND, where, keep_BK=None, skip=False):
        x_BND = self.encoder(x_BND, where)
        routed = self.middle(take(x_BND, keep_BK), where.at(keep_BK))
        return self.decoder(put_back(routed, keep_BK, x_BND), where)


def route(text: str, depth: int) -> tuple[int, int]:
    """(first, last) block of a route such as "2-8" or "2-*". Raises UserError when it leaves the depth."""
    found = re.fullmatch(r"([0-9]+)-([0-9]+|\*)", text)
    first, last = (depth - 4 if part == "*" else int(part) for part in found.groups()) if found else (0, depth)
    if not first <= last < depth:
        raise UserError(
            f"route is {text!r}; allowed: first-last with first <= last < {depth}, the depth (blocks count from 0)"
        )
    return first, last
