"""MaskDiT (arXiv 2306.09305), github.com/Anima-Lab/MaskDiT: a denoiser under EDM, with a decoder of its own width."""

import torch

from sprint.methods.maskdit import reconstruction_loss
from sprint.nn.layers import patchify
from sprint.published.codebases import Codebase, Layout

KEYS = {"decoder_depth": "decoder_depth", "decoder_width": "decoder_hidden_size", "decoder_heads": "decoder_num_heads"}


class MaskDiT(Codebase):
    title = "MaskDiT"
    cites = "arXiv 2306.09305, github.com/Anima-Lab/MaskDiT"
    method = "maskdit"
    drop, subsampling = 0.5, "random"
    parameterization = "edm"
    golden = "maskdit"
    untold = ("decoder_heads",)  # its code fixes them at 16, as our settings do
    sections = {r"encoder\.": "blocks.", r"to_decoder\.": "decoder_layer.", r"decoder\.": "decoder_blocks."}
    constants = {**Codebase.constants, "decoder_pos_embed": "method.positions_ND"}
    outputs = (*Codebase.outputs, "mae_loss")
    conventions = (
        "a denoiser with EDM's preconditioning (sigma_data 0.5), sampled up to sigma = 80",
        "its training drops the labels of a whole batch at once, and then masks nothing",
    )

    @classmethod
    def layout(cls, name, shape, model):
        """Its labels are one-hot rows through a linear layer without bias (D, classes); its null label is all zeros."""
        if name != "labels.weight":
            return super().layout(name, shape, model)
        return Layout(
            (shape[1], shape[0] - 1),
            lambda theirs: torch.cat((theirs.T, torch.zeros_like(theirs.T[:1]))),
            lambda ours: ours[:-1].T,
        )

    @classmethod
    def classes(cls, weights):
        return weights.matrix("y_embedder.embedding_table.weight")[1]

    @classmethod
    def settings(cls, weights):
        width = weights.matrix("decoder_layer.linear.weight")[0]
        return {"decoder_depth": weights.blocks("decoder_blocks"), "decoder_width": width}

    @classmethod
    def described(cls, golden, grid):
        settings = {ours: golden.get(theirs, int) for ours, theirs in KEYS.items()}
        return settings, golden.get("depth", int), golden.get("drop_ratio", float)

    @classmethod
    def output(cls, name, model, golden):
        if name != "mae_loss":
            return super().output(name, model, golden)
        x, t, y = golden.inputs(model)
        keep, backbone = golden.kept(model), model.config.backbone
        kept_BN = torch.zeros(len(x), backbone.tokens).scatter(1, keep, 1.0)
        return reconstruction_loss(model(x, t, y, keep), patchify(x, backbone.patch), kept_BN)
