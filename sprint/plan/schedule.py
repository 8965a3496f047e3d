"""The two stages of a run, pre-training on sparse tokens and fine-tuning on all: which step belongs to which."""

from sprint.cost.flops import Stage
from sprint.nn.ratios import kept_count
from sprint.plan.schema import Run
from sprint.teachers import frozen

STAGES = ("pretrain", "finetune")


def sparse_steps(run: Run) -> int:
    """Steps of the first stage, on sparse tokens."""
    return run.train.sparse_steps


def stage_of(run: Run, step: int) -> str:
    """The stage that step (from 0) belongs to."""
    return STAGES[step >= sparse_steps(run)]


def drop_at(run: Run, step: int) -> float:
    """The share of the tokens that that step drops."""
    dropping = stage_of(run, step) == "pretrain" or run.train.finetune_on == "kept"
    return run.drop if run.subsampling and dropping else 0.0


def batch_size(run: Run, step: int) -> int:
    """Images of that step, over all devices."""
    return run.train.batch if stage_of(run, step) == "pretrain" else run.train.finetune_batch


def images_before(run: Run, step: int) -> int:
    """Images that all steps before that one see, over all devices."""
    return run.train.images_before(step)


def stages(run: Run) -> list[Stage]:
    """Both stages, as their cost is counted."""
    sparse, grid = sparse_steps(run), run.examples().size // run.model.patch
    kept = kept_count(run.subsampling, grid, run.drop) if run.subsampling and run.drop else None
    after = kept if run.train.finetune_on == "kept" else None
    told = frozen.flops(run.teacher["extractor"], run.examples(), grid) if run.teacher else 0
    return [
        Stage(STAGES[0], sparse, run.train.batch, kept, told),
        Stage(STAGES[1], run.train.steps - sparse, run.train.finetune_batch, after, told),
    ]
