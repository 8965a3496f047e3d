"""TREAD (arXiv 2501.04765), github.com/CompVis/tread: DiT's blocks, of which some tokens skip a route."""

from sprint.published.codebases import Codebase


class Tread(Codebase):
    title = "TREAD"
    cites = "arXiv 2501.04765, github.com/CompVis/tread"
    method = "tread"
    drop, subsampling = 0.5, "random"
    golden = "tread"
    sections = {r"(?:encoder|middle|decoder)\.\d+": "blocks.{}"}
    conventions = (
        "trained with EDM's objective and without clipping the gradient",
        "sampled by EDM's Heun in 40 steps, the block after the route in float32",
    )
    inexpressible = (
        "its checkpoints: no tensor tells the route, and how its EDM conditions the network is not known here",
    )

    @classmethod
    def described(cls, golden, grid):
        last = golden.get("end_layer", int) - (0 if golden.get("end_layer_inclusive", bool) else 1)
        route = f"{golden.get('start_layer', int)}-{last}"
        return {"route": route}, golden.get("depth", int), golden.get("drop_ratio", float)
