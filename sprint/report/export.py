"""A study's numbers as a table for other programs: one row per run and evaluation at the end of training."""

from sprint.metrics import is_metric
from sprint.report.read import TERA, Study

SAID = ("setting", "run", "seed", "step", "guidance", "sampler", "images", "labels", "calls", "seconds")


def study_csv(study: Study) -> str:
    """CSV of the final evaluations: what was evaluated, training seconds and FLOP, every metric; empty without any."""
    final = study.final
    if final.empty:
        return ""
    metrics = sorted(column for column in final.columns if is_metric(column))
    table = final[[*SAID, *metrics]].assign(train_flop=final["tflop"] * TERA)
    return table.sort_values(["setting", "seed", "guidance"]).to_csv(
        index=False, float_format="%.6g", lineterminator="\n"
    )
