"""Weights from another codebase's names and layouts to ours, and back.

translate(codebase, tensors, model, "file.pt")    # a state dict for the model, or one sentence on what does not fit
publish(codebase, model)                          # the model's weights as that codebase would have saved them
"""

import torch

from sprint.diffusion.denoiser import Model
from sprint.nn.layers import sincos_positions
from sprint.published.codebases import Codebase, Layout
from sprint.runtime.errors import UserError

LISTED = 24  # tensors that an error names before it counts the rest
TOLERANCE = 1e-4  # of constants that a file holds and this bench computes


def translate(
    codebase: type[Codebase], published: dict[str, torch.Tensor], model: Model, location: str
) -> dict[str, torch.Tensor]:
    """The model's state dict from published weights. Raises UserError, naming every tensor that does not fit."""
    refuse_unfit(codebase, published, model, location)
    names, layouts = codebase.names(model), _layouts(codebase, model)
    for name, ours_ND in _constants(codebase, model).items():
        _compare(published[name], ours_ND, f"{location}: {name}")
    return {ours: layout.to_ours(published[names[ours]].float()) for ours, layout in layouts.items()}


def refuse_unfit(codebase: type[Codebase], published: dict[str, torch.Tensor], model: Model, location: str) -> None:
    """Raise UserError unless names and shapes of the tensors are those of the model; their values are not asked for."""
    names, layouts = codebase.names(model), _layouts(codebase, model)
    known = {*names.values(), *_constants(codebase, model)}
    misshapen = [
        f"{names[ours]} ({list(published[names[ours]].shape)}, allowed {list(layout.shape)})"
        for ours, layout in layouts.items()
        if names[ours] in published and published[names[ours]].shape != layout.shape
    ]
    missing, surplus = sorted(known - set(published)), sorted(set(published) - known)
    faults = {"missing": missing, "surplus": surplus, "misshapen": misshapen}
    if any(faults.values()):
        text = "; ".join(f"{kind}: {_listed(found)}" for kind, found in faults.items() if found)
        raise UserError(f"{location}: the tensors are not those of this {model.config.method} model; {text}")


def publish(codebase: type[Codebase], model: Model) -> dict[str, torch.Tensor]:
    """The model's weights under the codebase's names and in its layouts, and the constants that it saves with them."""
    names, state = codebase.names(model), model.state_dict()
    weights = {names[ours]: layout.to_theirs(state[ours]) for ours, layout in _layouts(codebase, model).items()}
    constants = {name: value.unsqueeze(0) for name, value in _constants(codebase, model).items()}
    return {name: value.contiguous() for name, value in (weights | constants).items()}


def _layouts(codebase: type[Codebase], model: Model) -> dict[str, Layout]:
    return {name: codebase.layout(name, value.shape, model) for name, value in model.state_dict().items()}


def _constants(codebase: type[Codebase], model: Model) -> dict[str, torch.Tensor]:
    """The fixed positions that the codebase saves, as this bench computes them."""
    if model.config.backbone.positions != "sincos":
        return {}
    buffers, grid = dict(model.named_buffers()), model.config.backbone.grid
    widths = {theirs: buffers[ours].shape[1] for theirs, ours in codebase.constants.items() if ours in buffers}
    return {theirs: sincos_positions(width, grid) for theirs, width in widths.items()}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _compare(published: torch.Tensor, ours_ND: torch.Tensor, location: str) -> None:
    if published.shape != (1, *ours_ND.shape):
        raise UserError(f"{location} has shape {list(published.shape)}; allowed: {[1, *ours_ND.shape]}")
    difference = (published[0].float() - ours_ND).abs().max().item()
    if not difference <= TOLERANCE:
        raise UserError(f"{location} differs by {difference:.1e} from fixed sin-cos positions, the only ones allowed")
