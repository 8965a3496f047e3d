"""The famous saving in training cost, taken apart: per step, fine-tuning, number of steps, and guidance beside them.

Published numbers come from the rows of ablations/published.yaml that its `factors` name; ours from one study with a
base that drops nothing. Factors that cannot be had are said to be unreached or not run, never taken as one.
"""

from sprint.report.blocks import Block, text_table
from sprint.report.budgets import bound, cost_to_quality, saving
from sprint.report.learned import nothing_learned
from sprint.report.pairs import base_of
from sprint.report.read import Run, Study
from sprint.report.views import HEADLINE, Report, StudyView

HEADERS = ["factor, base over method", "published", "ours"]
NOT_HERE, UNREACHED = "not run here", "unreached, or not run at several budgets"
CAPTION = (
    "How many times cheaper, published at another scale and computed here; ours to the base's quality from trainings "
    "that were run whole at several budgets."
)


class Factors(StudyView):
    title = "The saving as its factors"
    order = 90

    def applies(self, study: Study, report: Report) -> bool:
        return study.name == HEADLINE and bool(factor_rows(study, report))

    def blocks(self, study: Study, report: Report) -> list[Block]:
        return [text_table(HEADERS, factor_rows(study, report), title=self.title, caption=CAPTION)]


def factor_rows(study: Study, report: Report) -> list[list[str]]:
    """Rows of text; none where the study has no such method or the file names no factors."""
    facts = report.facts
    about = facts.get("factors")
    if not about or study.sweep or nothing_learned(study):
        return []
    setting = _setting(study, about["method"], about["drop"])
    base = base_of(study)
    if setting is None or base is None or study.settings[base][0].factor("method") != about["base"]:
        return []
    ours, sign = _ours(study, report.studies, base, setting)
    theirs, signs = _published(facts, about), {"steps": sign, "product": sign}
    rows = [
        [name, _times(theirs.get(key)), _times(ours.get(key), UNREACHED, signs.get(key, ""))]
        for key, name in NAMES.items()
    ]
    rest = about["claimed"] / theirs["product"] if theirs.get("product") else None
    rows.append(["claimed in the abstract", f"{about['claimed']:g}×", "–"])
    rows.append([f"left of the claim after these factors: it is of {about['claimed_of']}", _times(rest), "–"])
    rows.append(
        ["beside them: one sampling step, CFG over PDG", _times(theirs.get("guidance")), _times(ours["guidance"])]
    )
    return rows


NAMES = {
    "step": "one step on sparse tokens",
    "equal": "all training at equal steps or epochs (ours: fine-tuning charged)",
    "steps": "number of steps to the base's final quality (published: epochs)",
    "product": "training FLOPs to the base's final quality",
}


def _setting(study: Study, method: str, drop: float) -> str | None:
    found = [
        name
        for name, runs in study.settings.items()
        if (runs[0].factor("method"), runs[0].factor("drop")) == (method, drop)
    ]
    return found[0] if len(found) == 1 else None


def _ours(study: Study, studies: list[Study], base: str, setting: str) -> tuple[dict[str, float | None], str]:
    """Our factors, and the sign before those that rest on whole trainings of several budgets."""
    whole, sparse = _cost(study.settings[base]), _cost(study.settings[setting])
    found: dict[str, float | None] = dict.fromkeys((*NAMES, "guidance"))
    if whole and sparse:
        found["step"] = whole["train_flops_per_image"] / sparse["train_flops_per_image"]
        found["equal"] = 1 / sparse["train_flops_vs_dense"]
        sampling = sparse["sampling_flops_per_step"]
        found["guidance"] = sampling["cfg"] / sampling["pdg"] if {"cfg", "pdg"} <= set(sampling) else None
    first, lines = cost_to_quality(studies)
    mine = lines.get(study.settings[setting][0].config.get("label", ""), {})
    sides = [saving(lines[first], mine, budget) for budget in ("step", "tflop")] if mine else [None, None]
    for key, one in zip(("steps", "product"), sides, strict=True):
        found[key] = one and one.value
    return found, bound(mine, "step")


def _published(facts: dict, about: dict) -> dict[str, float]:
    """The same from the rows of the file; what is not there is left out."""
    spent = {
        (row["method"], row.get("epochs")): row["train_tflop_1e6"]
        for row in facts.get("quality", [])
        if "train_tflop_1e6" in row
    }
    per_step = [row["train_cost_vs_dense"] for row in facts.get("cost", []) if "train_cost_vs_dense" in row]
    sampling = {
        row["guidance"]: row["tflop_per_step"]
        for row in facts.get("cost", [])
        if row["method"] == about["method"] and "tflop_per_step" in row
    }
    long, equal = about["epochs"]
    long, base, method = (
        spent.get(key) for key in ((about["base"], long), (about["base"], equal), (about["method"], equal))
    )
    found = {"step": 1 / per_step[0]} if per_step else {}
    if long and base and method:
        found |= {"equal": base / method, "steps": long / base, "product": long / method}
    if {"cfg", "pdg"} <= set(sampling):
        found["guidance"] = sampling["cfg"] / sampling["pdg"]
    return found


def _cost(runs: list[Run]) -> dict:
    return next((run.cost for run in runs if run.cost), {})


def _times(value: float | None, missing: str = NOT_HERE, sign: str = "") -> str:
    return missing if value is None else f"{sign}{value:.2f}×"
