"""Every setting against every other, for the reader who takes another base: paired ratios of the metric that ranks."""

import json

from sprint.report.format import logarithmic
from sprint.report.pairs import alone, effect_lines
from sprint.report.read import Study
from sprint.report.summary import guidances, line_under

MOST = 12  # settings: more pairs than theirs would make the page large, and ratios of means have to do


def every_base(study: Study, column: int) -> str:
    """JSON {column: {guidance: {setting: {base: "0.80×, 0.70× to 0.91×"}}}}; empty where there are none."""
    if not logarithmic(study.primary) or study.conflicts or len(study.settings) > MOST:
        return ""
    found = {guidance: pairs for guidance in guidances(study) if (pairs := _under(study, guidance))}
    return json.dumps({str(column): found}, ensure_ascii=False, separators=(",", ":")) if found else ""


def _under(study: Study, guidance: str) -> dict[str, dict[str, str]]:
    metric = study.primary
    lines = {setting: line_under(study, setting, guidance) for setting in study.settings}
    known = {setting: line for setting, line in lines.items() if line is not None and metric in line.metrics}
    found: dict[str, dict[str, str]] = {}
    for setting, mine in known.items():
        for base, theirs in known.items():
            effect = alone(study, metric, mine, theirs, True) if setting != base else None
            if effect is not None:
                found.setdefault(setting, {})[base] = ", ".join(effect_lines(metric, effect))
    return found
