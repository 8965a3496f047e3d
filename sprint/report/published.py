"""Published numbers beside ours, where they speak of the same thing: ratios, never values of another scale.

The published ones come from ablations/published.yaml with where each stands and how far it can be trusted. It names the
methods and what they are held against (`base`, `sampling`); ours are held against the base of our study. A table has
one basis for all its rows, which the head of its column and its caption say.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sprint.diffusion.guidance import kind_name
from sprint.report.format import factor_text, metric_name, metric_text, significant
from sprint.report.learned import nothing_learned
from sprint.report.pairs import base_of, times_text
from sprint.report.read import Study
from sprint.report.summary import Line, guidances, line_under, lines
from sprint.report.tables import UNKNOWN, share_text

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
QUANTITIES = (("fid", "FID"), ("fdd", "FDD"), ("train_tflop_1e6", "training 10⁶ TFLOP (forward only)"))


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
    """Rows under a caption; `ours` heads our column and says on what basis all of it stands."""

    caption: str
    ours: str
    rows: list[Row]


def read_published(path: Path = FILE) -> dict:
    """The content of published.yaml; empty when the repository's folder is not there."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def beside(study: Study, facts: dict) -> Published | None:
    """What was published on the question of `study`; None when nothing, or when ours have not learned."""
    if study.final.empty or not facts or nothing_learned(study):
        return None
    if study.sweep:
        what = "ratios of quality and of cost between two kinds of guidance, each at its best scale"
        return _published(_guidance_rows(study, facts), what, "ours")
    base, basis = base_of(study), kind_name(facts["base"]["guidance"])
    if study.name == "methods" and base is not None:
        rows = _quality_rows(study, facts, base) + _cost_rows(study, facts)
        what = (
            f"quality and cost as ratios to the dense model, ours to {base}. All distances of ours are with {basis}, "
            "each setting and the dense one at the scale at which that distance is lowest"
        )
        return _published(rows, what, f"ours, with {basis}")
    entries = [entry for entry in facts.get("ablations", []) if entry["study"] == study.name]
    under = guidances(study)[0]
    rows = [row for entry in entries for row in _ablation_rows(study, entry, under)]
    return _published(rows, f"each setting as a ratio to the best of its column, all of ours {under}", f"ours, {under}")


def _published(rows: list[Row], what: str, ours: str) -> Published | None:
    caption = (
        f"Another scale: the published numbers are of {SCALE} and large models, ours of this preset. "
        f"Comparable are not the values but {what}."
    )
    return Published(caption, ours, rows) if rows else None


def _ablation_rows(study: Study, entry: dict, guidance: str) -> list[Row]:
    """Published settings with ours of the same name: FID and our first FD, each over the best of its kind."""
    ours = _lines_of_method(study, entry["method"], guidance)
    matched = {key: ours.get(_published_key(key)) for key in entry["fid"]}
    smallest = min(entry["fid"].values())
    base = min(ours.values(), key=lambda line: line.metrics[study.primary].mean, default=None)
    rows = [
        Row(
            what=_published_key(key),
            published=f"FID {fid:g} ({fid / smallest:.2f}×)",
            ours=_with_ratio(study, study.primary, matched[key], base) if matched[key] else NOT_HERE,
            confidence=CONFIDENCE[entry["confidence"]],
            source=entry["source"],
        )
        for key, fid in entry["fid"].items()
    ]
    rest = [key for key in ours if key not in map(_published_key, matched)]
    return rows + [
        Row(key, "not published", _with_ratio(study, study.primary, ours[key], base), "", "") for key in rest
    ]


def _lines_of_method(study: Study, method: str, guidance: str) -> dict[str, Line]:
    """The lines of a method's settings under one guidance, by what its settings vary."""
    found = {}
    for setting, runs in study.settings.items():
        line = line_under(study, setting, guidance)
        if line is not None and study.primary in line.metrics and runs[0].factor("method") == method:
            varied = [name for name in study.factors if name != "method"]
            found[", ".join(factor_text(name, runs[0].factor(name)) for name in varied)] = line
    return found


def _published_key(key: object) -> str:
    return factor_text("drop", key) if isinstance(key, float) else str(key)


def _with_ratio(study: Study, metric: str, line: Line, base: Line) -> str:
    """A value and its ratio to the base's, as the paired table has it."""
    value = metric_text(metric, line.metrics[metric].mean)
    return f"{metric_name(metric)} {value} ({times_text(study, metric, line, base)[0]})"


def _quality_rows(study: Study, facts: dict, base: str) -> list[Row]:
    """FID and FDD of each method with its training cost; ours of the same method over our base."""
    about, entries = facts["base"], facts.get("quality", [])
    theirs = next((entry for entry in entries if all(entry.get(key) == value for key, value in about.items())), {})
    return [
        Row(
            what=" ".join(str(part) for part in _title(entry) if part),
            published=_quality_text(entry, theirs),
            ours=_ours_of_method(study, entry, about["guidance"], base),
            confidence=CONFIDENCE[entry["confidence"]],
            source=entry["source"],
        )
        for entry in entries
    ]


def _title(entry: dict) -> tuple:
    length = [f"{entry[unit]} {unit}" for unit in ("epochs", "iterations") if unit in entry]
    return entry["method"], entry.get("model"), *length, _guidance_of(entry)


def _guidance_of(entry: dict) -> str:
    """`pdg + interval` as PDG + interval; said where none is named."""
    kind, space, more = entry.get("guidance", "").partition(" ")
    return kind_name(kind) + space + more if kind else "(guidance not named)"


def _quality_text(entry: dict, base: dict) -> str:
    """The published values with their ratios to the base's; where the guidance is another than its, that is said."""
    same = entry.get("guidance") in (None, base.get("guidance"))
    parts = []
    for key, name in QUANTITIES:
        value = entry.get(key)
        if isinstance(value, dict):
            parts += [f"{name} {number:g} at {setting}" for setting, number in value.items()]
        elif value is not None:
            other = "" if same or key not in TWINS else f" of {base.get('method')} {_guidance_of(base)}"
            ratio = f" ({value / base[key]:.2f}×{other})" if key in base else ""
            parts.append(f"{name} {value:g}{ratio}")
    return "; ".join(parts)


def _ours_of_method(study: Study, entry: dict, kind: str, base: str) -> str:
    """Our FDs of a method over those of our base, both under one kind of guidance, and its training cost."""
    mine = _setting_of(study, entry["method"])
    if mine is None or entry.get("guidance") not in (None, kind):
        return NOT_HERE
    parts = []
    for metric in (f"fd/{extractor}" for extractor in study.extractors):
        line, other = _line_of(study, mine, kind, metric), _line_of(study, base, kind, metric)
        if line is not None and other is not None:
            parts.append(f"{_with_ratio(study, metric, line, other)} with {line.guidance}")
    share = share_text(study, study.settings[mine])
    return "; ".join(parts + ([f"training FLOP {share}"] if share != UNKNOWN else [])) or NOT_HERE


def _cost_rows(study: Study, facts: dict) -> list[Row]:
    """What one pre-training step costs beside a dense one, where someone published it."""
    rows = []
    for entry in facts.get("cost", []):
        if "train_cost_vs_dense" in entry:
            note = f" ({entry['note']})" if "note" in entry else ""
            drop = factor_text("drop", entry["drop"])
            what = f"{entry['method']} {drop}: one pre-training step over a dense one, {entry['model']}"
            published = f"{entry['train_cost_vs_dense']:.3f}×{note}"
            ours = _step_ratio(study, entry["method"], entry["drop"])
            rows.append(Row(what, published, ours, CONFIDENCE[entry["confidence"]], entry["source"]))
    return rows


def _step_ratio(study: Study, method: str, drop: float) -> str:
    for run in study.runs:
        if "train_flops_per_image" in run.cost and run.factor("method") == method and run.factor("drop") == drop:
            ratio = run.cost["train_flops_per_image"] / run.cost["finetune_flops_per_image"]
            return f"{ratio:.3f}× (over its own full-token step)"
    return NOT_HERE


def _guidance_rows(study: Study, facts: dict) -> list[Row]:
    """One guidance over another of the same method: quality, and FLOP of one sampling step."""
    about, rows = facts["sampling"], []
    kinds = (about["of"], about["over"])
    names = [kind_name(kind) for kind in kinds]
    mine = [entry for entry in facts.get("quality", []) if entry["method"] == about["method"]]
    pair = [next((entry for entry in mine if entry.get("guidance") == kind), None) for kind in kinds]
    if all(pair):
        for key, place in TWINS.items():
            what = f"{about['method']}: best {names[0]} over best {names[1]}, {key.upper()}"
            published = f"{key.upper()} {_over(pair[0][key], pair[1][key])}"
            ours = _guidance_ratio(study, about, study.extractors[min(place, len(study.extractors) - 1)])
            rows.append(Row(what, published, ours, CONFIDENCE[pair[0]["confidence"]], pair[0]["source"]))
    costs = [entry for entry in facts.get("cost", []) if entry["method"] == about["method"]]
    steps = {entry["guidance"]: entry for entry in costs if "tflop_per_step" in entry}
    if set(kinds) <= set(steps):
        of, over = (steps[kind] for kind in kinds)
        what = f"{about['method']}: a {names[0]} sampling step over a {names[1]} one"
        published = _over(of["tflop_per_step"], over["tflop_per_step"], " TFLOP")
        rows.append(Row(what, published, _step_cost(study, kinds), CONFIDENCE[of["confidence"]], of["source"]))
    return rows


def _over(first: float, second: float, unit: str = "") -> str:
    return f"{first:g} / {second:g}{unit} = {first / second:.2f}×"


def _guidance_ratio(study: Study, about: dict, extractor: str) -> str:
    metric, setting = f"fd/{extractor}", _setting_of(study, about["method"])
    of, over = (_line_of(study, setting, about[side], metric) for side in ("of", "over"))
    if of is None or over is None:
        return NOT_HERE
    first, second = (metric_text(metric, line.metrics[metric].mean) for line in (of, over))
    ratio = times_text(study, metric, of, over)[0]
    return f"{metric_name(metric)} {first} / {second} = {ratio} ({of.guidance} over {over.guidance})"


def _step_cost(study: Study, kinds: tuple[str, str]) -> str:
    for run in study.runs:
        steps = run.cost.get("sampling_flops_per_step", {})
        if set(kinds) <= set(steps):
            first, second = (steps[kind] / 1e6 for kind in kinds)
            return f"{significant(first)} / {significant(second)} MFLOP = {first / second:.2f}×"
    return NOT_HERE


def _setting_of(study: Study, method: str) -> str | None:
    return next((name for name, runs in study.settings.items() if runs[0].config.get("method") == method), None)


def _line_of(study: Study, setting: str | None, kind: str, metric: str) -> Line | None:
    """The evaluation of a setting under one kind of guidance whose distance is lowest."""
    found = [line for line in lines(study, setting) if metric in line.metrics and line.kind == kind] if setting else []
    return min(found, key=lambda line: line.metrics[metric].mean, default=None)
