"""What the report says is what its tables hold: one guidance on both sides, one basis in a table, no word too many."""

import html

import pytest
from fake_results import FLOOR, GUIDANCES, STEPS, cost, evaluation, make_run, study

from sprint.metrics import METRICS
from sprint.report import render_index
from sprint.report.figures.plots import study_plots
from sprint.report.format import arrow, metric_text
from sprint.report.judging.outcomes import verdicts
from sprint.report.pairs import pairs
from sprint.report.published import beside, read_published
from sprint.report.read import read_study
from sprint.report.summary import at_the_end, guidances, line_under
from sprint.report.tables import study_table
from sprint.report.views.answer import sentences
from sprint.runtime.files import read_json, write_json
from sprint.statistics.claims import Claim, Rule, Selector

CNN, SSL = "fd/digits-cnn", "fd/digits-ssl"


def made(results, values: dict, vary=("method",), name="methods", untrained=None, **plan):
    """A study of made runs: {(method, drop): {guidance: FD}} for two seeds, each by (kind, scale)."""
    names = []
    for (method, drop), by in values.items():
        for seed in (0, 1):
            run = make_run(results, method, drop, seed, 40.0)
            entries = [evaluation(STEPS, *guidance, value + seed) for guidance, value in by.items()]
            write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": entries})
            about = read_json(results / "runs" / run / "config.json")
            write_json(results / "runs" / run / "config.json", about | {"overrides": {}})
            names.append(run)
    floor = {"images": 898, "reference_images": 898, "metrics": FLOOR}
    more = {"untrained": {"images": 640, "metrics": untrained, "reasons": {}}} if untrained else {}
    write_json(results / "reference" / "floor.json", floor | more)
    return study(name, names, list(vary), **plan)


MIXED = {  # guidance helps SPRINT and harms the dense network
    ("dense", 0.0): {("none", 1.0): 38.0, ("cfg", 1.5): 50.0},
    ("sprint", 0.75): {("none", 1.0): 90.0, ("cfg", 1.5): 55.0},
}


def test_a_best_guidance_that_is_the_most_that_was_tried_is_said(tmp_path):
    """That of SPRINT is; naive dropping's lies between two that are worse, and dense has its best unguided."""
    between = {("none", 1.0): 60.0, ("cfg", 1.25): 50.0, ("cfg", 1.5): 58.0}
    plan = made(tmp_path, MIXED | {("tokendrop", 0.75): between})
    [(setting, guidance)] = [(line.setting, line.guidance) for line in at_the_end(read_study("digits", tmp_path, plan))]
    assert setting == "SPRINT 75%" and guidance == "CFG 1.5"
    render_index("digits", tmp_path, [plan], tmp_path / "index.html")
    said = "strongest guidance that was tried, so that more may serve better: 1 of 3 settings of methods (CFG 1.5)."
    assert said in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_sentence_has_the_training_cost_of_its_table(tmp_path):
    """A run that trains longer, so that it costs as much as the dense one: 1.00×, not what it costs at equal steps."""
    plan = made(tmp_path, MIXED, name="equal_flops")
    costs = {run: cost(*run.split("-")[:1], 0.0 if run.startswith("dense") else 0.75) for run in plan["runs"]}
    spent = next(one["train_flops"] for run, one in costs.items() if run.startswith("dense"))
    longer = {run: one | {"train_flops": spent} for run, one in costs.items()}
    write_json(tmp_path / "cost" / "equal_flops.json", {"study": "equal_flops", "runs": longer})
    found = read_study("digits", tmp_path, plan)
    table = study_table(found)
    cells = {group.head: group.costs[1].main for group in table.groups if group.costs and group.costs[1].main}
    assert table.costs[1].name == "of dense" and cells["SPRINT 75%"] == "1.00×"
    (said,) = [text for text in sentences(found) if text.startswith("SPRINT 75% beside Dense 0%")]
    assert said.endswith("for 1.00× the training FLOP.")


def test_ratio_and_interval_stand_together_and_are_those_of_the_paired_table(tmp_path):
    found = read_study("digits", tmp_path, made(tmp_path, MIXED))
    (said,) = [text for text in sentences(found) if text.startswith("SPRINT 75% beside")]
    for row in pairs(found).rows:
        _, (guidance,), (ratio, interval), *_ = row
        under = guidance if guidance == "unguided" else f"with {guidance}"
        assert f"{ratio} (95% interval {interval}) {under}" in said


def test_no_sentence_holds_guided_against_unguided_unless_it_says_best_against_best(tmp_path):
    found = read_study("digits", tmp_path, made(tmp_path, MIXED))
    said = sentences(found)
    assert said[0].startswith("Unguided: Dense 0% has the lowest") and "SPRINT 75%, has 90.5" in said[0]
    assert said[1].startswith("With CFG 1.5: Dense 0% has the lowest") and "SPRINT 75%, has 55.5" in said[1]
    mixed = [text for text in said if "38.5" in text and "55.5" in text]
    assert len(mixed) == 1 and mixed[0].startswith("Best against best, each setting with the guidance at which its own")
    assert "Dense 0% (unguided) has 38.5" in mixed[0] and "SPRINT 75% (CFG 1.5), has 55.5" in mixed[0]


def test_every_table_shows_every_setting_the_dense_one_too_under_every_guidance(tmp_path):
    found = read_study("digits", tmp_path, made(tmp_path, MIXED))
    for group in study_table(found).groups[:-1]:
        assert [line[0].main for line in group.lines] == ["unguided", "CFG 1.5"] == guidances(found)


def test_lines_along_a_factor_do_not_mix_guided_and_unguided_points(tmp_path):
    """Guidance helps at one ratio and harms at the other: each panel has one guidance, of every metric."""
    values = {("sprint", 0.5): {("none", 1.0): 40.0, ("cfg", 1.5): 60.0}}
    values |= {("sprint", 0.75): {("none", 1.0): 90.0, ("cfg", 1.5): 55.0}}
    found = read_study("digits", tmp_path, made(tmp_path, values, vary=("method", "drop"), name="drop_ratio"))
    figure = study_plots(found)
    panels = (*figure.panels, *figure.more)
    assert len(panels) == 3 * 2
    for guidance in ("unguided", "CFG 1.5"):
        mine = [panel.alt for panel in panels if f", {guidance}, against drop ratio" in panel.alt]
        for metric, alt in zip((CNN, SSL, "accuracy"), mine, strict=True):
            ends = [line_under(found, name, guidance).metrics[metric].mean for name in ("SPRINT 50%", "SPRINT 75%")]
            assert f"{metric_text(metric, ends[0])} at 0.5" in alt and f"{metric_text(metric, ends[1])} at 0.75" in alt
    (said,) = [text for text in sentences(found) if text.startswith("SPRINT, FD")]
    assert "unguided 40.5 to 90.5" in said and "with CFG 1.5 60.5 to 55.5" in said


def test_published_numbers_stand_beside_ours_on_one_basis(tmp_path):
    """Every ratio of ours is to the dense network with the guidance that the column names."""
    found = read_study("digits", tmp_path, made(tmp_path, MIXED))
    shown = beside(found, read_published())
    assert shown.ours == "ours, with CFG" and "with CFG" in shown.caption
    ours = {row.what: row.ours for row in shown.rows if "FD (" in row.ours}
    assert {what.split()[0] for what in ours} == {"dense", "sprint"}
    for what, text in ours.items():
        expected = "(1.00×) with CFG 1.5" if what.startswith("dense") else "55.5 (1.10×) with CFG 1.5"
        assert expected in text
    assert [row.ours for row in shown.rows if " PDG" in row.what] == ["not run here"] * 2


def test_the_first_extractor_of_the_preset_ranks(tmp_path):
    plan = made(tmp_path, MIXED)
    assert read_study("digits", tmp_path, plan).primary == CNN
    assert read_study("digits", tmp_path, plan | {"extractors": ["digits-ssl", "digits-cnn"]}).primary == SSL


def test_every_metric_is_explained_and_what_has_no_direction_gets_no_arrow(tmp_path):
    render_index("digits", tmp_path, [made(tmp_path, MIXED)], tmp_path / "index.html")
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    units = page[page.index('<article id="page-about"') :]
    assert [
        kind.title for kind in map(METRICS.__getitem__, METRICS) if f"<li>{kind.title}: {kind.meaning}" not in units
    ] == []
    assert arrow("nearest_ratio/digits-cnn") == "" and arrow("kid/digits-cnn") == "↓"
    assert "the same over that" not in page


NOISE = {CNN: 60.0, SSL: 40.0, "accuracy": 0.1}


@pytest.mark.parametrize("level, refused", [(100.0, False), (60.0, True)])
def test_networks_that_have_not_learned_are_said_to_be_that_and_not_ranked(tmp_path, level, refused):
    """38 and 55 of 60 are hardly better than noise; of 100 the dense one is well below half, which is what counts."""
    plan = made(tmp_path, MIXED, untrained=NOISE | {CNN: level})
    render_index("digits", tmp_path, [plan], tmp_path / "index.html")
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    found = read_study("digits", tmp_path, plan)
    first, *rest = sentences(found)
    assert first.startswith("These numbers compare networks that have not learned: 2 of 2 settings") == refused
    assert any("lowest FD" in text for text in (first, *rest)) != refused
    assert any(text.startswith("Hardly better than an untrained network: SPRINT 75%") for text in rest) != refused
    for heading in ("Paired differences to", "Published beside ours"):
        assert (f">{heading}" in page) != refused
    of, over = Selector("sprint", 0.75), Selector("dense")
    claim = Claim("one", "sprint", "It holds", "2026-11-26", [Rule("distance", of, over, at_most=1.0)])
    (verdict,) = verdicts([found], [claim])
    assert (verdict.outcome == "not testable") == refused
    row = next(group for group in study_table(found).groups if group.head == "Untrained network")
    assert [cell.main for cell in row.lines[0]] == ["noise", metric_text(CNN, level), "40.0", "10.0%"]


def test_without_the_distance_of_an_untrained_network_nothing_is_said_of_it(tmp_path):
    found = read_study("digits", tmp_path, made(tmp_path, MIXED))
    assert "untrained" not in " ".join(sentences(found))


def test_the_floor_and_the_rules_are_said_to_be_what_they_are(tmp_path, repository):
    render_index("digits", tmp_path, [made(tmp_path, MIXED)], tmp_path / "index.html")
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "may fall below the floor" in page and "they are no test on fresh data" in page
    shown = [page, *((repository / name).read_text() for name in ("README.md", "ablations/published.yaml"))]
    shown += [path.read_text(encoding="utf-8") for path in (repository / "docs").glob("*.md")]
    for text in shown:
        assert "expected below" not in text and "written before the data" not in text
    assert GUIDANCES[0] == ("none", 1.0) and read_json(tmp_path / "reference" / "floor.json")["images"] == 898
