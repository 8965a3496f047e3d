"""One run along its training: the loss with the borders of its stages, and its metric at the milestones."""

from sprint.diffusion import guidance
from sprint.report.blocks import Panel
from sprint.report.figures.charts import Series, draw_lines, empty_panel
from sprint.report.figures.styles import INK, Style
from sprint.report.figures.svg import Drawing
from sprint.report.format import significant
from sprint.report.read import Run

POINTS = 250  # of a curve at most, so that the page of a long run stays small
SMOOTH = 0.1  # share of the noted steps that a running mean is over
BORDER = "borders of stages"


def draw_loss(run: Run, style: Style) -> Panel:
    """The loss of every noted step, pale, and a running mean of them."""
    losses = run.train["losses"]
    losses = losses[:: -(-len(losses) // POINTS)]
    steps, values = [step for step, _ in losses], [loss for _, loss in losses]
    figure, axes = empty_panel("training loss", 2.9)
    drawing = Drawing(figure)
    drawing.note(axes.plot(steps, values, color=style.ink, linewidth=0.8, alpha=0.35)[0], run.method)
    smooth = _running(values)
    says = f"Loss {significant(values[0])} at step {steps[0]}, {significant(smooth[-1])} at the end"
    drawing.note(axes.plot(steps, smooth, color=style.ink, linewidth=1.8)[0], run.method, says)
    for name, step in borders(run):
        line = axes.axvline(step, color=INK, linestyle=(0, (4, 3)), linewidth=1.0, alpha=0.6)
        drawing.note(line, BORDER, f"{name} begins after step {step}")
        axes.annotate(f" {name}", (step, 1), xycoords=("data", "axes fraction"), va="top", fontsize=9, color=INK)
    axes.set_xlabel("step")
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.18, top=0.86)
    return drawing.panel(f"Training loss of {run.name}. {says}.")


def draw_milestones(run: Run, metric: str, style: Style, floor: float | None) -> list[Panel]:
    """The metric that ranks at every milestone, unguided; nothing where fewer than two were measured."""
    plain = [entry for entry in run.evaluations if guidance.unguided(entry["guidance"])]
    points = sorted((entry["step"], entry["metrics"].get(metric)) for entry in plain)
    known = [(step, value) for step, value in dict(points).items() if value is not None]
    if len(known) < 2:
        return []
    steps, values = map(list, zip(*known, strict=True))
    series = Series(run.method, steps, values, [None] * len(steps), run.factor("method"))
    return [draw_lines(metric, [series], "step", {run.method: style}, floor, "unguided")]


def _running(values: list[float]) -> list[float]:
    """The mean over the neighbours on both sides, as far as there are any."""
    half = max(1, round(SMOOTH * len(values) / 2))
    around = [values[max(0, place - half) : place + half + 1] for place in range(len(values))]
    return [sum(near) / len(near) for near in around]


def borders(run: Run) -> list[tuple[str, int]]:
    """(stage, step after which it begins) of every stage but the first, from the modelled cost."""
    found, begun = [], 0
    for stage in run.cost.get("stages", []):
        found.append((stage["name"], begun))
        begun += stage["steps"]
    return [(name, step) for name, step in found if 0 < step < run.train.get("steps", 0)]
