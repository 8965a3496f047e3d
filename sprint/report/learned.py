"""Whether the networks of a study have learned anything yet: their distance beside that of an untrained network.

floor.json holds what an untrained network draws, the noise that sampling starts from, measured as samples are. A
setting counts as untrained while its distance, under whichever guidance serves it best, is at least HALF of that one.
On the preset digits networks of 40, 80 and 160 steps lie at 0.8 to 1.4 of it, and a classifier finds the right digit in
8 to 26% of their images; after all 500 steps every method lies at 0.22 or less, with over 80%: a half is far from both.
A place between it and the floor, on a logarithmic scale, would move with the number of real images, as the floor does.
"""

from sprint.report.format import listed, metric_name, metric_text
from sprint.report.pairs import base_of
from sprint.report.read import Study
from sprint.report.summary import best_line

HALF = 0.5


def untrained(study: Study) -> list[str]:
    """Settings that cannot be told from untrained networks; none where the untrained one was not measured."""
    noise = study.untrained.get(study.primary)
    lines = {setting: best_line(study, setting, study.primary) for setting in study.settings}
    found = {setting: line.metrics[study.primary].mean for setting, line in lines.items() if line is not None}
    return [setting for setting, mean in found.items() if noise and mean >= HALF * noise]


def nothing_learned(study: Study) -> bool:
    """Whether a study compares networks that have not learned: its base has not, or most of its settings have not."""
    found = untrained(study)
    evaluated = [setting for setting in study.settings if best_line(study, setting, study.primary) is not None]
    return base_of(study) in found or 2 * len(found) > len(evaluated)


def warning(study: Study) -> str:
    """The sentence that says so; empty where there is nothing to say."""
    found = untrained(study)
    if not found:
        return ""
    noise, name = metric_text(study.primary, study.untrained[study.primary]), metric_name(study.primary)
    means = [best_line(study, setting, study.primary).metrics[study.primary].mean for setting in found]
    ends = " to ".join(dict.fromkeys(metric_text(study.primary, end) for end in (min(means), max(means))))
    rule = f"{name} {ends} at the best guidance, where an untrained network, which draws noise, has {noise}"
    if not nothing_learned(study):
        return f"Hardly better than an untrained network: {listed(found)} ({rule})."
    return (
        f"These numbers compare networks that have not learned: {len(found)} of {len(study.settings)} settings are "
        f"hardly better than an untrained network ({rule}). No ranking and no saving is given; train for more steps."
    )
