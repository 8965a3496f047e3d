"""SPRINT (arXiv 2510.21986), github.com/snap-research/Sprint: our objective; patches with channels slowest."""

import torch

from sprint.published.codebases import Codebase, Layout

SECTIONS = ("encoder", "middle", "decoder")


class Sprint(Codebase):
    title = "SPRINT"
    cites = "arXiv 2510.21986, github.com/snap-research/Sprint"
    method = "sprint"
    drop, subsampling = 0.75, "structured"
    parameterization = "velocity"
    positions = "rope2d"
    golden = "sprint"
    sections = {r"(encoder|middle|decoder)\.": r"\1_blocks.", r"fuse\.": "renoise_linear."}
    outputs = (*Codebase.outputs, "pathdrop_null")
    conventions = (
        "outside its guidance interval its code halves the unguided batch, ours makes one conditional call",
        "its pixels are truncated from 255 (x + 1) / 2, ours rounded",
    )
    inexpressible = ("REPA's projectors, which only its training uses",)

    @classmethod
    def layout(cls, name, shape, model):
        config = model.config
        if name == "patches.weight":
            return Layout(
                tuple(shape),
                lambda theirs: theirs.unflatten(1, (config.channels, -1)).transpose(1, 2).flatten(1),
                lambda ours: ours.unflatten(1, (-1, config.channels)).transpose(1, 2).flatten(1),
            )
        if name.startswith("final.linear."):
            return Layout(
                tuple(shape),
                lambda theirs: theirs.unflatten(0, (model.out_channels, -1)).transpose(0, 1).flatten(0, 1),
                lambda ours: ours.unflatten(0, (-1, model.out_channels)).transpose(0, 1).flatten(0, 1),
            )
        return Layout(tuple(shape))

    @classmethod
    def settings(cls, weights):
        split = [weights.blocks(f"{section}_blocks") for section in SECTIONS]
        fusion = "concat_linear" if "renoise_linear.weight" in weights else "none"
        return {"split": "/".join(map(str, split)), "fusion": fusion}

    @classmethod
    def described(cls, golden, grid):
        depths = [golden.get(f"{section}_depth", int) for section in SECTIONS]
        fusion = golden.get("fusion", str, ("concat_linear", "add", "none"))
        return {"split": "/".join(map(str, depths)), "fusion": fusion}, sum(depths), golden.get("drop_ratio", float)

    @classmethod
    def output(cls, name, model, golden):
        if name != "pathdrop_null":
            return super().output(name, model, golden)
        x, t, y = golden.inputs(model)
        return model.image(x, t, torch.full_like(y, model.config.classes), skip=True)
