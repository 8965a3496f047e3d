"""What holds of every method, as propositions about a run's network: one place for tests, `sprint check` and training.

Each proposition takes a run and raises Broken, saying in a sentence what is wrong. CHEAPEST compute nothing, so that
every training is held to them before its first step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from sprint.cost.flops import dense_twin, forward_flops, on_meta
from sprint.diffusion.denoiser import Model
from sprint.methods import METHODS
from sprint.nn.layers import Block
from sprint.nn.ratios import kept_count
from sprint.nn.tokens import draw
from sprint.plan.network import model_config
from sprint.plan.schema import Run
from sprint.runtime.errors import UserError

BATCH = 3


class Broken(UserError):
    """What is wrong with a method."""


def hold(truth: bool, otherwise: str) -> None:
    """Raise Broken with the sentence unless it is true."""
    if not truth:
        raise Broken(otherwise)


def network(run: Run, seed: int | None = None) -> Model:
    """The network of a run at its initial values."""
    return Model(model_config(run), run.seed if seed is None else seed)


def stirred(run: Run, scale: float = 0.2) -> Model:
    """The same with noise on every parameter, so that no gate is shut as adaLN-Zero has it at the start."""
    model, generator = network(run), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def inputs(run: Run, batch: int = BATCH, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy images, times and labels; the last label is the null label."""
    generator, config = torch.Generator().manual_seed(seed), model_config(run)
    x = torch.randn(batch, config.channels, config.size, config.size, generator=generator)
    labels = torch.randint(config.classes, (batch,), generator=generator)
    labels[-1] = config.classes
    return x, torch.rand(batch, generator=generator), labels


def grid_of(run: Run) -> int:
    """Tokens along one side."""
    return run.image_size // run.model.patch


def kept(run: Run, batch: int = BATCH, seed: int = 0) -> torch.Tensor | None:
    """Kept tokens of a batch as training draws them; None for a run that keeps all."""
    drop = run.drop if run.subsampling else 0.0
    return draw(run.subsampling, batch, grid_of(run), drop, torch.Generator().manual_seed(seed))


def losses(model: Model, run: Run, keep: torch.Tensor | None) -> torch.Tensor:
    """Loss per sample against a random target."""
    x, t, y = inputs(run)
    prediction = model(x, t, y, keep)
    generator = torch.Generator().manual_seed(2)
    target, noisy = (torch.randn(prediction.shape, generator=generator) for _ in range(2))
    return model.method.loss(prediction, target, noisy, t, keep)


def parameters_are_registered(run: Run) -> None:
    """Every parameter that the loss depends on is one of the network's own, and so is trained, averaged and counted"""
    prediction, loss = _without_values(run)
    known = {id(parameter) for parameter in on_meta(model_config(run)).parameters()}
    foreign = [leaf for leaf in _leaves(prediction.grad_fn) + _leaves(loss.grad_fn) if id(leaf) not in known]
    count = sum(leaf.numel() for leaf in {id(leaf): leaf for leaf in foreign}.values())
    hold(
        not count,
        f"{count:,} parameters that it computes with are not registered, so they would be neither trained nor counted; "
        "keep blocks in Blocks, nn.ModuleList or an attribute of their own, not in a plain list or dict",
    )


def all_tokens_and_a_loss_per_sample_come_out(run: Run) -> None:
    """All tokens come out, kept or dropped, and a loss for each sample"""
    config = model_config(run)
    prediction, loss = _without_values(run)
    expected = (BATCH, config.backbone.tokens, config.backbone.patch**2 * config.channels)
    hold(
        tuple(prediction.shape) == expected, f"it gives {tuple(prediction.shape)}; expected are {expected}, all tokens"
    )
    hold(
        tuple(loss.shape) == (BATCH,), f"its loss has the shape {tuple(loss.shape)}; expected is one of {BATCH} samples"
    )


def it_is_cheaper_than_dense_where_it_drops(run: Run) -> None:
    """A pass on kept tokens costs less than a dense one"""
    if run.drop:
        config = model_config(run)
        own, dense = sparse_flops(run), forward_flops(on_meta(dense_twin(config)))
        hold(own < dense, f"a pass at drop {run.drop:g} costs {own:,} FLOPs, a dense one {dense:,}")


CHEAPEST = (parameters_are_registered, all_tokens_and_a_loss_per_sample_come_out)


def sparse_flops(run: Run) -> int:
    """FLOPs of a forward pass of an image as the first stage makes it."""
    count = kept_count(run.subsampling, grid_of(run), run.drop) if run.subsampling and run.drop else None
    return forward_flops(on_meta(model_config(run)), count)


def outputs_are_finite_and_differ_by_place(run: Run) -> None:
    """What comes out is finite, and differs from place to place"""
    model = stirred(run)
    with torch.no_grad():
        for keep in (None, kept(run)):
            hold(bool(model(*inputs(run), keep).isfinite().all()), "values come out that are not finite")
        image = model.image(*inputs(run))[0, 0, :, 0]
    hold(len(image.unique()) == len(image), "the same value comes out at several places")


def every_trained_parameter_gets_a_gradient(run: Run) -> None:
    """Every trained parameter gets a gradient, but for a mask token where nothing is masked"""
    model = stirred(run)
    loss = losses(model, run, kept(run))
    hold(bool(loss.isfinite().all() and (loss > 0).all()), f"its losses are {loss.tolist()}")
    loss.sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not (run.drop == 0 and name.endswith("mask_token")):
            found = parameter.grad
            hold(found is not None and bool(found.isfinite().all()) and bool(found.any()), f"{name} gets no gradient")


def keeping_every_token_equals_not_choosing(run: Run) -> None:
    """Keeping every token gives what not choosing gives"""
    model, keep = stirred(run), torch.arange(grid_of(run) ** 2).expand(BATCH, -1)
    with torch.no_grad():
        chosen, all_tokens = (model(*inputs(run), tokens) for tokens in (keep, None))
    far = (chosen - all_tokens).abs().max().item()
    hold(torch.allclose(chosen, all_tokens, atol=1e-5), f"with every token kept it gives something else, by {far:.2g}")


def samples_do_not_see_each_other(run: Run) -> None:
    """The samples of a batch do not see each other"""
    model, keep = stirred(run), kept(run)
    with torch.no_grad():
        together = model(*inputs(run), keep)
        for row in range(BATCH):
            alone = model(*[part[row : row + 1] for part in (*inputs(run), keep) if part is not None])
            far = (alone[0] - together[row]).abs().max().item()
            hold(far < 1e-4, f"a sample alone gives something else than in a batch, by {far:.2g}")


def a_seed_fixes_every_initial_bit(run: Run) -> None:
    """A seed fixes every initial bit, and another seed gives others"""
    first, again, other = network(run), network(run), network(run, run.seed + 1)
    for name, value in first.state_dict().items():
        hold(
            torch.equal(value, again.state_dict()[name]), f"{name} starts otherwise each time; draw from the seed alone"
        )
    hold(not torch.equal(first.labels.weight, other.labels.weight), "another seed gives the same values")


def initial_values_are_shared_with_the_dense_network(run: Run) -> None:
    """Blocks are those of the backbone: as many, and of the dense network's initial values"""
    twin = dense_twin(model_config(run))
    dense, model = Model(twin, run.seed), network(run)
    blocks = {block.number: block for block in model.modules() if isinstance(block, Block)}
    for expected in dense.modules():
        if isinstance(expected, Block):
            hold(expected.number in blocks, f"block {expected.number} of {run.model.depth} is missing")
            same = torch.equal(blocks[expected.number].mlp[0].weight, expected.mlp[0].weight)
            hold(same, f"block {expected.number} starts with other values; number blocks by their depth")


def on_all_tokens_the_loss_is_the_mean_squared_error(run: Run) -> None:
    """On all tokens its loss is the mean squared error, as of all methods"""
    prediction, target, noisy = torch.randn(3, BATCH, grid_of(run) ** 2, 4, generator=torch.Generator().manual_seed(3))
    loss = network(run).method.loss(prediction, target, noisy, torch.rand(BATCH), None)
    expected = (prediction - target).square().mean((1, 2))
    hold(torch.allclose(loss, expected, rtol=1e-5), f"its loss is {loss.tolist()}, the error {expected.tolist()}")


def another_choice_of_tokens_gives_another_result(run: Run) -> None:
    """Another choice of tokens gives another result"""
    if run.drop and run.subsampling:
        model = stirred(run)
        with torch.no_grad():
            first, second = (model(*inputs(run), kept(run, seed=seed)) for seed in (0, 1))
        hold(not torch.allclose(first, second, atol=1e-3), "which tokens are kept changes nothing")


def each_sample_skips_or_not_for_itself(run: Run) -> None:
    """Each sample skips the deep blocks or not for itself, and when all do they do not run"""
    if not METHODS[run.method].can_skip:
        return
    model, choice = stirred(run), torch.tensor([True, False, True])
    with torch.no_grad():
        mixed, skipped, whole = (model(*inputs(run), kept(run), skip=skip) for skip in (choice, True, False))
    expected = torch.where(choice.view(-1, 1, 1), skipped, whole)
    hold(not torch.allclose(skipped, whole, atol=1e-3), "skipping changes nothing")
    hold(torch.allclose(mixed, expected, atol=1e-5), "samples that skip change those that do not, or the other way")
    meta = on_meta(model_config(run))
    hold(forward_flops(meta, skip=True) < forward_flops(meta), "its deep blocks run when every sample skips them")


PROPOSITIONS: tuple[Callable[[Run], None], ...] = (
    *CHEAPEST,
    it_is_cheaper_than_dense_where_it_drops,
    outputs_are_finite_and_differ_by_place,
    every_trained_parameter_gets_a_gradient,
    keeping_every_token_equals_not_choosing,
    samples_do_not_see_each_other,
    a_seed_fixes_every_initial_bit,
    initial_values_are_shared_with_the_dense_network,
    on_all_tokens_the_loss_is_the_mean_squared_error,
    another_choice_of_tokens_gives_another_result,
    each_sample_skips_or_not_for_itself,
)


def refuse_broken(run: Run) -> None:
    """Raise UserError, naming the method and its command, where a run's network fails one of CHEAPEST."""
    for proposition in CHEAPEST:
        try:
            proposition(run)
        except Broken as broken:
            raise UserError(f"method {run.method!r}: {broken} (sprint check {run.method} tells all)") from broken


@contextmanager
def _held(model: Model) -> Iterator[None]:
    """Tensors without values tell a method no time."""
    model.method.time = 0.5
    try:
        yield
    finally:
        model.method.time = None


def _without_values(run: Run) -> tuple[torch.Tensor, torch.Tensor]:
    """Prediction and loss of a sparse step on the meta device, where nothing is computed."""
    model, keep = on_meta(model_config(run)), kept(run)
    x, t, y = (part.to("meta") for part in inputs(run))
    keep = None if keep is None else keep.to("meta")
    with _held(model):
        prediction = model(x, t, y, keep)
    return prediction, model.method.loss(prediction, prediction.detach(), prediction.detach(), t, keep)


def _leaves(node: object) -> list[torch.Tensor]:
    """The tensors with gradients that a result was computed from."""
    found, waiting, seen = [], [node], set()
    while waiting:
        current = waiting.pop()
        if current is None or current in seen:
            continue
        seen.add(current)
        if hasattr(current, "variable"):
            found.append(current.variable)
        waiting += [parent for parent, _ in current.next_functions]
    return found
