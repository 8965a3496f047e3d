"""The rules of the workflow as a picture: what is made of what, and how many files of each are there."""

from pathlib import Path

from matplotlib.patches import FancyBboxPatch

from sprint.report.blocks import Panel
from sprint.report.figures.charts import empty_panel
from sprint.report.figures.styles import INK
from sprint.report.figures.svg import Drawing
from sprint.runtime import results as kinds

# By rule: its column and row in the picture, what it does, and the kind of file that it makes.
RULES = {
    "train": (0, 0, "one training per run", kinds.TRAIN),
    "extractor": (0, 1, "networks that see features", kinds.EXTRACTOR),
    "reference": (1, 1, "features of real images", kinds.FLOOR),
    "evaluate": (2, 0, "samples, measured", kinds.METRICS),
    "sweep": (2, 1, "further guidances", kinds.SWEEP),
    "cost": (2, 2, "FLOP, counted", kinds.COST),
    "throughput": (2, 3, "speed, measured", kinds.THROUGHPUT),
    "scaling": (2, 4, "speed by tokens", kinds.SCALING),
    "paper_costs": (2, 5, "published costs beside", None),
    "report": (3, 2, "these pages", None),
}
ARROWS = (
    *(("extractor", "reference"), ("train", "evaluate"), ("train", "sweep"), ("reference", "evaluate")),
    *(("reference", "sweep"), ("evaluate", "sweep"), ("evaluate", "report"), ("sweep", "report"), ("cost", "report")),
    *((name, "report") for name in ("throughput", "scaling", "paper_costs", "reference")),
)
WIDE, HIGH = 0.72, 0.62  # of a box, in columns and rows


def draw_workflow(results: Path) -> Panel:
    """Boxes for rules, arrows for what one makes and another takes; counts are of results/<preset> as it is now."""
    figure, axes = empty_panel("from data to report", 4.4)
    drawing = Drawing(figure)
    axes.set(xlim=(-0.5, 3.5), ylim=(5.5, -0.6))
    axes.set_axis_off()
    for first, second in ARROWS:
        _arrow(axes, RULES[first], RULES[second])
    said = []
    for name, (column, row, what, kind) in RULES.items():
        count = _count(results, kind)
        said.append(f"{name}, {what}{count and f': {count} made'}")
        _box(drawing, axes, (column, row), name, f"{what}{count and f' · {count}'}")
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.9)
    arrows = "; ".join(f"{first} to {second}" for first, second in ARROWS)
    return drawing.panel(f"The workflow's rules. {'; '.join(said)}. Arrows: {arrows}.")


def _count(results: Path, kind: kinds.Kind | None) -> str:
    """How many files of a kind there are; nothing for what is no result."""
    if kind is None:
        return ""
    return str(sum(not path.name.endswith(".time.json") for path in results.glob(kind.pattern)))


def _box(drawing: Drawing, axes, at: tuple[int, int], name: str, text: str) -> None:
    x, y = at
    corner = (x - WIDE / 2, y - HIGH / 2)
    box = FancyBboxPatch(corner, WIDE, HIGH, "round,pad=0.02,rounding_size=0.06", facecolor="none", edgecolor=INK)
    box.set(alpha=0.5, linewidth=1)
    axes.add_patch(box)
    axes.text(x, y - 0.09, name, ha="center", va="center", fontsize=10.5, color=INK, weight="bold")
    drawing.note(axes.text(x, y + 0.17, text, ha="center", va="center", fontsize=8.5, color=INK), name)


def _arrow(axes, first: tuple, second: tuple) -> None:
    start, end = (first[0] + WIDE / 2 + 0.04, first[1]), (second[0] - WIDE / 2 - 0.04, second[1])
    if first[0] == second[0]:  # the first above the second
        start, end = (first[0], first[1] + HIGH / 2 + 0.04), (second[0], second[1] - HIGH / 2 - 0.04)
    look = {"arrowstyle": "-|>", "color": INK, "alpha": 0.45, "linewidth": 1, "connectionstyle": "arc3,rad=0"}
    axes.annotate("", end, start, arrowprops=look)
