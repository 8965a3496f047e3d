"""SparseDiT (arXiv 2412.06028): its code calls modules dumbbells, of merging, semantic, recovering, normal blocks."""

from sprint.published.codebases import Codebase
from sprint.runtime.errors import UserError


class SparseDiT(Codebase):
    title = "SparseDiT"
    cites = "arXiv 2412.06028"
    method = "sparsedit"
    drop = 0.75  # 8 x 8 sparse tokens of 16 x 16
    golden = "sparsedit"
    sections = {
        r"bottom\.": "poolingformer_blocks.",
        r"top\.": "normal_blocks.",
        r"middle\.(\d+)\.merge\.": r"dumbbell_blocks.\1.token_merge_blocks.",
        r"middle\.(\d+)\.sparse\.": r"dumbbell_blocks.\1.semantic_blocks.",
        r"middle\.(\d+)\.recover\.": r"dumbbell_blocks.\1.token_recover_blocks.",
        r"middle\.(\d+)\.dense\.": r"dumbbell_blocks.\1.normal_blocks.",
    }
    inside = {**Codebase.inside, ".from_sparse.": ".merged_layer1.", ".from_dense.": ".merged_layer2."}
    conventions = ("fine-tunes a DiT that was trained before, under DiT's DDPM, with its predicted variance",)
    inexpressible = (
        "its checkpoints: no tensor tells the side of its sparse grid",
        "relative positions and the long shortcut, which its code has and leaves off",
    )

    @classmethod
    def described(cls, golden, grid):
        bottom, modules, top = (golden.get(f"num_{one}", int) for one in ("poolingformer", "dumbbell", "normal_block"))
        layout = f"{bottom}+{modules}x{'/'.join(map(str, golden.get('dumbbell_group', list)))}+{top}"
        side = golden.get("semantic_size", int)
        if not 1 <= side <= grid:
            raise UserError(f"{golden.path}: semantic_size is {side}; allowed: 1 to {grid}, the grid that it pools")
        return {"layout": layout}, golden.get("depth", int), 1 - (side / grid) ** 2
