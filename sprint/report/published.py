"""Published numbers beside ours, where they speak of the same thing: ratios, never values of another scale.

The published ones come from ablations/published.yaml with where each stands and how far it can be trusted.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sprint.report.format import factor_text, metric_name, metric_text, significant
from sprint.report.read import Study
from sprint.report.summary import Line, best_line, lines

FILE = Path(__file__).parents[2] / "ablations" / "published.yaml"
SCALE = "ImageNet 256×256"
CONFIDENCE = {
    "author": "authors' own",
    "derived": "derived from authors' figure",
    "note": "third party's notes, unchecked",
}
NOT_HERE = "not run here"
TWINS = {
    "fid": 0,
    "fdd": 1,
}  # the published metric and the extractor of ours of the same kind: supervised, self-supervised


@dataclass(frozen=True)
class Row:
    """One published number, ours beside it, and what is to be known about the published one."""

    what: str
    published: str
    ours: str
    confidence: str
    source: str


@dataclass(frozen=True)
class Published:
    caption: str
    rows: list[Row]


def read_published(path: Path = FILE) -> dict:
    """The content of published.yaml; empty when the repository's folder is not there."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def beside(study: Study, facts: dict) -> Published | None:
    """What was published on the question of `study`; None when nothing."""
    if study.final.empty or not facts:
        return None
    if study.sweep:
        return _published(_guidance_rows(study, facts), "ratios of quality and of cost between kinds of guidance")
    if study.name == "methods":
        return _published(
            _quality_rows(study, facts) + _cost_rows(study, facts), "quality and cost as ratios to the dense model"
        )
    rows = [
        row
        for entry in facts.get("ablations", [])
        if entry["study"] == study.name
        for row in _ablation_rows(study, entry)
    ]
    return _published(rows, "each setting as a ratio to the best of its column")


def _published(rows: list[Row], what: str) -> Published | None:
    caption = (
        f"Another scale: the published numbers are of {SCALE} and large models, ours of this preset. "
        f"Comparable are {what}, not the values."
    )
    return Published(caption, rows) if rows else None


def _ablation_rows(study: Study, entry: dict) -> list[Row]:
    """Published settings with ours of the same name: FID and our first FD, each over the best of its kind."""
    ours = _sprint_lines(study)
    matched = {key: ours.get(_published_key(key)) for key in entry["fid"]}
    smallest = min(entry["fid"].values())
    base = min(line.metrics[study.primary].mean for line in ours.values()) if ours else 0.0
    rows = [
        Row(
            what=_published_key(key),
            published=f"FID {fid:g} ({fid / smallest:.2f}×)",
            ours=_with_ratio(study, matched[key], base) if matched[key] else NOT_HERE,
            confidence=CONFIDENCE[entry["confidence"]],
            source=entry.get("source", "SPRINT, B size"),
        )
        for key, fid in entry["fid"].items()
    ]
    rest = {key: line for key, line in ours.items() if all(line is not one for one in matched.values())}
    return rows + [Row(key, "not published", _with_ratio(study, line, base), "", "") for key, line in rest.items()]


def _sprint_lines(study: Study) -> dict[str, Line]:
    """The best evaluation of each SPRINT setting, by what it varies: the published ablations are SPRINT's."""
    found = {}
    for setting, runs in study.settings.items():
        line = best_line(study, setting)
        if line is not None and runs[0].factor("method") == "sprint":
            varied = [name for name in study.factors if name != "method"]
            found[", ".join(factor_text(name, runs[0].factor(name)) for name in varied)] = line
    return found


def _published_key(key: object) -> str:
    return factor_text("drop", key) if isinstance(key, float) else str(key)


def _with_ratio(study: Study, line: Line, base: float) -> str:
    value = line.metrics[study.primary].mean
    return f"{metric_name(study.primary)} {metric_text(study.primary, value)} ({value / base:.2f}×)"


def _quality_rows(study: Study, facts: dict) -> list[Row]:
    """FID and FDD of each method with its training cost; ours of the same method over our dense run."""
    entries = facts.get("quality", [])
    dense = next((entry for entry in entries if entry["method"] == "dense" and entry.get("epochs") == 400), {})
    return [
        Row(
            what=" ".join(str(part) for part in _title(entry) if part),
            published=_quality_text(entry, dense),
            ours=_ours_of_method(study, entry["method"], entry.get("guidance")),
            confidence=CONFIDENCE[entry["confidence"]],
            source=entry["source"],
        )
        for entry in entries
    ]


def _title(entry: dict) -> tuple:
    length = [f"{entry[unit]} {unit}" for unit in ("epochs", "iterations") if unit in entry]
    guidance = entry.get("guidance", "").replace("cfg", "CFG").replace("pdg", "PDG")
    return entry["method"], entry.get("model"), *length, guidance


def _quality_text(entry: dict, dense: dict) -> str:
    parts = []
    for key, name in (("fid", "FID"), ("fdd", "FDD"), ("train_tflop_1e6", "training 10⁶ TFLOP (forward only)")):
        value = entry.get(key)
        if isinstance(value, dict):
            parts += [f"{name} {number:g} at {setting}" for setting, number in value.items()]
        elif value is not None:
            ratio = f" ({value / dense[key]:.2f}×)" if key in dense else ""
            parts.append(f"{name} {value:g}{ratio}")
    return "; ".join(parts)


def _ours_of_method(study: Study, method: str, guidance: str | None) -> str:
    """Our FDs and training cost of a method over dense, under the same kind of guidance where one is named."""
    dense, mine = _setting_of(study, "dense"), _setting_of(study, method)
    line, base = _line_of(study, mine, guidance), _line_of(study, dense, guidance and "cfg")
    if line is None or base is None:
        return NOT_HERE
    parts = []
    for extractor in study.extractors:
        metric = f"fd/{extractor}"
        if metric in line.metrics and metric in base.metrics:
            ratio = line.metrics[metric].mean / base.metrics[metric].mean
            parts.append(f"{metric_name(metric)} {metric_text(metric, line.metrics[metric].mean)} ({ratio:.2f}×)")
    cost = study.settings[mine][0].cost.get("train_flops_vs_dense")
    return "; ".join(parts + ([f"training FLOP {cost:.2f}×"] if cost else []) + [line.guidance])


def _cost_rows(study: Study, facts: dict) -> list[Row]:
    """What one pre-training step costs beside a dense one, where someone published it."""
    rows = []
    for entry in facts.get("cost", []):
        if "train_cost_vs_dense" in entry:
            ours = _step_ratio(study, entry["method"], entry["drop"])
            text = (
                f"{entry['train_cost_vs_dense']:.3f}× ({entry['note']})"
                if "note" in entry
                else f"{entry['train_cost_vs_dense']:.3f}×"
            )
            drop = factor_text("drop", entry["drop"])
            what = f"{entry['method']} {drop}: one pre-training step over a dense one, {entry['model']}"
            rows.append(Row(what, text, ours, CONFIDENCE[entry["confidence"]], entry["source"]))
    return rows


def _step_ratio(study: Study, method: str, drop: float) -> str:
    for run in study.runs:
        if run.cost and run.factor("method") == method and run.factor("drop") == drop:
            ratio = run.cost["train_flops_per_image"] / run.cost["finetune_flops_per_image"]
            return f"{ratio:.3f}× (over its own full-token step)"
    return NOT_HERE


def _guidance_rows(study: Study, facts: dict) -> list[Row]:
    """Path-drop guidance over classifier-free guidance: quality, and FLOP of one sampling step."""
    rows, entries = [], facts.get("quality", [])
    pair = {
        kind: next((e for e in entries if e["method"] == "sprint" and e.get("guidance") == kind), None)
        for kind in ("cfg", "pdg")
    }
    if all(pair.values()):
        for key, place in TWINS.items():
            low, high = pair["pdg"][key], pair["cfg"][key]
            published = f"{key.upper()} {low:g} / {high:g} = {low / high:.2f}×"
            what = f"SPRINT: best PDG over best CFG, {key.upper()}"
            ours = _guidance_ratio(study, study.extractors[min(place, len(study.extractors) - 1)])
            rows.append(Row(what, published, ours, CONFIDENCE[pair["pdg"]["confidence"]], pair["pdg"]["source"]))
    steps = {e["guidance"]: e for e in facts.get("cost", []) if e["method"] == "sprint" and "tflop_per_step" in e}
    if {"cfg", "pdg"} <= set(steps):
        pdg, cfg = steps["pdg"]["tflop_per_step"], steps["cfg"]["tflop_per_step"]
        text = f"{pdg:g} / {cfg:g} TFLOP = {pdg / cfg:.2f}×"
        rows.append(
            Row(
                "SPRINT: a PDG sampling step over a CFG one",
                text,
                _step_cost(study),
                CONFIDENCE[steps["pdg"]["confidence"]],
                steps["pdg"]["source"],
            )
        )
    return rows


def _guidance_ratio(study: Study, extractor: str) -> str:
    metric, setting = f"fd/{extractor}", _setting_of(study, "sprint")
    pdg, cfg = _line_of(study, setting, "pdg", metric), _line_of(study, setting, "cfg", metric)
    if pdg is None or cfg is None:
        return NOT_HERE
    high, low = cfg.metrics[metric].mean, pdg.metrics[metric].mean
    return f"{metric_name(metric)} {metric_text(metric, low)} / {metric_text(metric, high)} = {low / high:.2f}×"


def _step_cost(study: Study) -> str:
    for run in study.runs:
        steps = run.cost.get("sampling_flops_per_step", {})
        if "pdg" in steps and "cfg" in steps:
            pdg, cfg = steps["pdg"] / 1e6, steps["cfg"] / 1e6
            return f"{significant(pdg)} / {significant(cfg)} MFLOP = {pdg / cfg:.2f}×"
    return NOT_HERE


def _setting_of(study: Study, method: str) -> str | None:
    return next((name for name, runs in study.settings.items() if runs[0].config.get("method") == method), None)


def _line_of(study: Study, setting: str | None, kind: str | None, metric: str = "") -> Line | None:
    """The best evaluation of a setting under one kind of guidance, or under any when none is named."""
    metric = metric or study.primary
    found = [line for line in lines(study, setting) if metric in line.metrics] if setting else []
    if kind:
        found = [line for line in found if line.kind == kind]
    return min(found, key=lambda line: line.metrics[metric].mean, default=None)
