"""Claims of papers: rules are read strictly, have one threshold each, and end in one of four outcomes."""

import json
import re
from dataclasses import replace

import pytest
import tiny
import yaml
from fake_results import STEPS, cost, evaluation, make_results, make_run, study

from sprint.metrics import is_metric
from sprint.report import render_index
from sprint.report.judging import outcomes
from sprint.report.read import read_study
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json
from sprint.statistics.claims import COST, DISTANCE, Rule, Selector, read_claims

FIXED = "2026-11-26"
OF, OVER = {"method": "sprint", "drop": 0.75}, {"method": "dense"}
RULE = {"metric": "distance", "of": OF, "over": OVER, "at_most": 1.1}
KEYS = {"claim", "outcome", "effect", "low", "high", "seeds", "seeds_needed", "testable"}
MET, NOT_MET, NOT_ENOUGH, NOT_TESTABLE = outcomes.OUTCOMES


def claims(folder, *rules, **changes):
    path = folder / "published.yaml"
    claim = {"id": "one", "method": "sprint", "claim": "It holds", "fixed": FIXED, "rules": [*rules], **changes}
    path.write_text(yaml.safe_dump({"claims": [claim]}), encoding="utf-8")
    return read_claims(path)


def runs(results, dense, sprint, changes=None, name="methods"):
    """A study of two settings whose unguided FDs by seed are given."""
    names = []
    for method, drop, values in (("dense", 0.0, dense), ("sprint", 0.75, sprint)):
        for seed, value in enumerate(values):
            run = make_run(results, method, drop, seed, value)
            entry = evaluation(STEPS, "none", 1.0, value) | ((changes or {}) if method == "sprint" else {})
            write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})
            names.append(run)
    return read_study("digits", results, study(name, names, ["method", "drop"]))


def outcome(folder, *values, rule=RULE, **changes):
    (found,) = outcomes.verdicts([runs(folder, *values, changes)], claims(folder, rule))
    return found.outcome, found.outcomes[0]


def test_every_claim_of_the_file_has_rules_or_says_why_not_and_names_what_there_is():
    found = read_claims(tiny.ROOT / "ablations" / "published.yaml")
    studies = {path.stem for path in (tiny.ROOT / "ablations").glob("*.yaml")}
    assert len(found) >= 12 and all(claim.rules or claim.untested for claim in found)
    assert len({claim.id for claim in found}) == len({claim.claim for claim in found}) == len(found)
    for rule in [rule for claim in found for rule in claim.rules]:
        assert rule.study in {"", *studies}, rule.text()
        for name in (rule.metric, rule.of.metric, rule.over.metric):
            assert name in ("", DISTANCE) or name.startswith(COST) or is_metric(name), rule.text()


@pytest.mark.parametrize(
    ("sprint", "expected"),
    [
        ((40.0, 41.0, 40.5), MET),
        ((60.0, 61.0, 60.5), NOT_MET),
        ((38.0, 46.0, 41.0), NOT_ENOUGH),
        ((40.0,), NOT_ENOUGH),
    ],
)
def test_a_rule_is_decided_where_the_effect_is_surely_on_one_side(tmp_path, sprint, expected):
    found, one = outcome(tmp_path, (40.0, 41.0, 40.4), sprint)
    assert found == expected
    assert (one.effect.low is None) == (len(sprint) == 1)
    assert (one.seeds_needed or 0) > 3 if sprint == (38.0, 46.0, 41.0) else one.seeds_needed is None


def test_at_least_is_at_most_the_other_way_round(tmp_path):
    values = (40.0, 41.0, 40.4), (60.0, 61.0, 60.5)
    (high, _), (low, _) = (
        outcome(tmp_path, *values, rule={"metric": "distance", "of": OF, "over": OVER, bound: 1.2})
        for bound in ("at_least", "at_most")
    )
    assert (high, low) == (MET, NOT_MET)


def test_what_cannot_be_there_is_not_testable_and_what_is_not_there_yet_lacks_data(tmp_path):
    for rule, why in (
        (RULE | {"study": "finetune"}, "study finetune is not part of this report"),
        (RULE | {"over": OVER | {"train": {"steps": 7}}}, "no run of dense 0%, steps 7"),
        (RULE | {"of": OF | {"guidance": "pdg"}}, "no FD (digits-cnn) with guidance pdg"),
        (RULE | {"needs": "depth"}, "study control, which trains shallower networks, is not part of this report"),
    ):
        found, one = outcome(tmp_path, (40.0,), (44.0,), rule=rule)
        assert found == NOT_TESTABLE and why in one.why and one.effect is None
    found, one = outcome(tmp_path, (40.0,), (44.0,), rule=RULE | {"metric": "cost/nothing"})
    assert found == NOT_ENOUGH and "are not counted yet" in one.why


@pytest.mark.parametrize(("key", "value"), [("teacher", "repa"), ("backbone", "uvit")])
def test_a_claim_names_the_teacher_or_backbone_that_it_means(tmp_path, key, value):
    known = runs(tmp_path, (40.0, 41.0, 40.4), (60.0, 61.0, 60.5))
    for run in known.settings["SPRINT 75%"]:
        run.config.update({"overrides": {key: value}, "teacher": {"kind": "repa", "extractor": "digits-ssl"}})
    for of, expected in ((OF, NOT_TESTABLE), (OF | {key: value}, NOT_MET), (OF | {key: "other"}, NOT_TESTABLE)):
        (found,) = outcomes.verdicts([known], claims(tmp_path, RULE | {"of": of}))
        assert found.outcome == expected, found.outcomes[0].why


def test_what_was_taught_an_extractors_features_is_not_judged_by_them(tmp_path):
    known = runs(tmp_path, (40.0, 41.0, 40.4), (40.0, 41.0, 40.5))
    for run in known.settings["SPRINT 75%"]:
        run.config.update({"overrides": {"teacher": "repa"}, "teacher": {"kind": "repa", "extractor": "digits-cnn"}})
    (found,) = outcomes.verdicts([known], claims(tmp_path, RULE | {"of": OF | {"teacher": "repa"}}))
    assert found.outcome == NOT_TESTABLE and "was taught the features of digits-cnn" in found.outcomes[0].why


def test_modelled_costs_are_exact_and_decide_with_one_seed(tmp_path):
    known = {run: cost("dense", 0.0) for run in [make_run(tmp_path, "dense", 0.0, 0, 40.0)]}
    known |= {run: cost("sprint", 0.75) for run in [make_run(tmp_path, "sprint", 0.75, 0, 44.0)]}
    write_json(tmp_path / "cost" / "methods.json", {"study": "methods", "runs": known})
    ratio = cost("sprint", 0.75)["train_flops"] / cost("dense", 0.0)["train_flops"]
    for bound, expected in ((ratio + 1e-6, MET), (ratio - 1e-6, NOT_MET)):
        rule = RULE | {"metric": "cost/train_flops", "at_most": bound}
        found, one = outcome(tmp_path, (40.0,), (44.0,), rule=rule)
        assert found == expected and one.effect.value == one.effect.low == one.effect.high == pytest.approx(ratio)


def test_evaluations_that_differ_in_more_than_the_studied_are_not_judged(tmp_path):
    found, one = outcome(tmp_path, (40.0, 41.0), (40.0, 41.0), images=40)
    assert found == NOT_TESTABLE and "images 640 and 40" in one.why


def test_all_rules_of_a_claim_have_to_hold():
    rule = Rule("distance", Selector("a"), Selector("b"), at_most=1.0)
    for parts, expected in (
        ((MET, MET), MET),
        ((MET, NOT_ENOUGH), NOT_ENOUGH),
        ((NOT_TESTABLE, NOT_MET), NOT_MET),
        ((MET, NOT_TESTABLE), NOT_TESTABLE),
        ((), NOT_TESTABLE),
    ):
        found = outcomes.Verdict(None, [outcomes.Outcome(rule, part) for part in parts])
        assert found.outcome == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effects": 1}, "rules[0]: unknown key 'effects' (nearest: 'effect')"),
        ({"at_least": 0.9}, "rules[0]: has both at_most and at_least; allowed: one"),
        ({"at_most": -1.0}, "the threshold of a ratio is -1; allowed: numbers above 0"),
        ({"effect": "quotient"}, "effect is 'quotient'; allowed: ratio, difference"),
        ({"metric": "FID"}, "metric is 'FID'"),
        ({"needs": "luck"}, "needs is 'luck'; allowed: , depth"),
        ({"of": {"method": "sprint", "dropp": 1}}, "unknown key 'dropp'"),
    ],
)
def test_a_rule_that_is_not_right_is_refused(tmp_path, changes, said):
    with pytest.raises(UserError, match=re.escape(said)):
        claims(tmp_path, RULE | changes)
    with pytest.raises(UserError, match="has neither at_most and at_least"):
        claims(tmp_path, {key: value for key, value in RULE.items() if key != "at_most"})


def test_a_claim_says_since_when_its_rules_stand_or_why_there_are_none(tmp_path):
    with pytest.raises(UserError, match="has neither rules and untested"):
        claims(tmp_path)
    assert claims(tmp_path, untested="it speaks of speed")[0].untested
    for date in ("", "yesterday", "2026-02-30", "20261126"):
        with pytest.raises(UserError, match="allowed: the date since which the rules stand"):
            claims(tmp_path, RULE, fixed=date)


def test_the_hash_of_a_rule_is_of_all_that_it_says(tmp_path):
    (claim,) = claims(tmp_path, RULE)
    (rule,) = claim.rules
    others = [replace(rule, at_most=1.2), replace(rule, needs="depth"), replace(rule, of=replace(rule.of, drop=0.5))]
    assert len({rule.hash, *(other.hash for other in others)}) == 4
    assert claims(tmp_path, RULE | {"effect": "ratio", "study": ""})[0].rules[0].hash == rule.hash


def test_without_any_study_a_claim_is_not_testable(tmp_path):
    [verdict] = outcomes.verdicts([], claims(tmp_path, RULE))
    assert verdict.outcome == NOT_TESTABLE
    assert verdict.outcomes[0].why == "no run of sprint 75%, guidance best in the studies of this report"


def test_a_seed_that_chose_learning_rates_judges_nothing(tmp_path):
    """Two seeds of the study are those that the preset was tuned on, or none is."""
    found, asked = runs(tmp_path, (40.0, 41.0), (40.0, 41.0)), claims(tmp_path, RULE)
    assert outcomes.verdicts([found], asked, tuning=(1000,))[0].outcome == MET
    with pytest.raises(UserError, match="claim one: study methods has seed 1, with which learning rates were chosen"):
        outcomes.verdicts([found], asked, tuning=(1, 1000))


def control(results, few, full):
    """Study `control`: two depths of the network that drops nothing, FDs by seed."""
    names = []
    for depth, split, values in ((6, [1, 4, 1], full), (2, [1, 0, 1], few)):
        for seed, value in enumerate(values):
            run = make_run(results, "dense", 0.0, seed, value, split=split)
            entry = evaluation(STEPS, "none", 1.0, value)
            write_json(results / "runs" / run / "metrics.json", {"run": run, "state": "done", "evaluations": [entry]})
            path = results / "runs" / run / "config.json"
            about, apart = read_json(path), {"depth": depth} if depth != 6 else {}
            label = about["label"] + (f", depth {depth}" if apart else "")
            model = about["model"] | {"depth": depth}
            write_json(path, about | {"subsampling": "", "label": label, "model": model, "overrides": apart})
            names.append(run)
    return read_study("digits", results, study("control", names, ["method", "model.depth"]))


@pytest.mark.parametrize(
    ("few", "expected"), [((80.0, 82.0, 81.0), MET), ((40.2, 41.0, 40.4), NOT_TESTABLE), ((80.0,), NOT_TESTABLE)]
)
def test_a_rule_that_needs_depth_is_testable_where_few_blocks_are_surely_worse(tmp_path, few, expected):
    full = (40.0, 41.0, 40.4)
    studies = [runs(tmp_path, full, (40.0, 41.0, 40.5)), control(tmp_path, few, full)]
    rule = RULE | {"needs": "depth", "study": "methods"}
    (found,) = outcomes.verdicts(studies, claims(tmp_path, rule))
    assert found.outcome == expected
    if expected == NOT_TESTABLE:
        assert "does as well as" in found.outcomes[0].why


def verdicts_of(folder, results, plans) -> dict:
    """verdicts.json of a report by claim, read strictly."""
    render_index("digits", results, plans, folder / "page" / "index.html")
    text = (folder / "page" / "verdicts.json").read_text(encoding="utf-8")
    return {one["claim"]: one for one in json.loads(text, parse_constant=pytest.fail)}


def test_the_verdicts_lie_beside_the_report_as_strict_json(tmp_path):
    found = verdicts_of(tmp_path, *make_results(tmp_path))
    known = read_claims(tiny.ROOT / "ablations" / "published.yaml")
    assert list(found) == [claim.claim for claim in known]
    for one in found.values():
        assert set(one) == KEYS and one["outcome"] in outcomes.OUTCOMES
        assert one["testable"] == (one["outcome"] != NOT_TESTABLE)
        assert one["seeds_needed"] is None or one["outcome"] == NOT_ENOUGH
    assert {one["outcome"] for one in found.values()} == set(outcomes.OUTCOMES)


def test_the_verdicts_are_what_the_numbers_say(tmp_path):
    """Naive dropping is twice as far as dense in each of three seeds, SPRINT as far; costs are exact."""
    dense, far, names = (40.0, 41.0, 40.4), 2.0, {}
    for method, drop, factor in (("dense", 0.0, 1.0), ("sprint", 0.75, 1.01), ("tokendrop", 0.75, far)):
        for seed, value in enumerate(dense):
            run = make_run(tmp_path / "results", method, drop, seed, value)
            moved = evaluation(STEPS, "none", 1.0, factor * value * (1 + 0.001 * seed * (factor - 1)))
            content = {"run": run, "state": "done", "evaluations": [moved]}
            write_json(tmp_path / "results" / "runs" / run / "metrics.json", content)
            names[run] = cost(method, drop)
    write_json(tmp_path / "results" / "cost" / "methods.json", {"study": "methods", "runs": names})
    plans = [study("methods", [*names], ["method", "drop"]), study("other", [*names][:3], ["method", "drop"])]
    found = verdicts_of(tmp_path, tmp_path / "results", plans)
    known = {claim.id: claim.claim for claim in read_claims(tiny.ROOT / "ablations" / "published.yaml")}
    naive, cheaper, gated = (found[known[name]] for name in ("naive-fails", "sprint-flops", "sprint-75"))
    assert naive["outcome"] == MET and naive["seeds"] == 3 and naive["seeds_needed"] is None
    assert naive["low"] < far < naive["high"] and naive["effect"] == pytest.approx(far * 1.001, rel=1e-4)
    ratio = cost("sprint", 0.75)["train_flops"] / cost("dense", 0.0)["train_flops"]
    assert cheaper["outcome"] == MET and cheaper["seeds"] is None
    assert cheaper["effect"] == cheaper["low"] == cheaper["high"] == pytest.approx(ratio)
    assert gated["outcome"] == NOT_TESTABLE and gated["effect"] is gated["low"] is gated["seeds"] is None


def test_the_page_refuses_to_draw_what_was_not_evaluated_alike_and_says_so(tmp_path):
    results, studies = make_results(tmp_path)
    name = studies[0]["runs"][0]
    path = results / "runs" / name / "metrics.json"
    content = read_json(path)
    for entry in content["evaluations"]:
        entry["sampler"] = {"kind": "euler", "steps": 50}
    write_json(path, content)
    render_index("digits", results, studies[:1], tmp_path / "index.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Not drawn and not compared" in page and "kind euler, steps 50" in page
    study_page = (tmp_path / "methods.html").read_text(encoding="utf-8")
    drawn = re.findall(r'class="panel"[^>]*aria-label="(?!Training speed-up)[^"]*"', study_page)
    assert drawn == []
    assert "Paired differences" not in page


def test_the_page_shows_budgets_differences_and_verdicts(tmp_path):
    results, studies = make_results(tmp_path)
    render_index("digits", results, studies[:1], tmp_path / "index.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for heading in ("Paired differences to Dense 0%", "Cost to the quality of the base", "The saving as its factors"):
        assert heading in page
    assert "2.82×" in page and "6.57×" in page  # of 9.8x: per step, and 427.7 / 65.1
    assert 'class="verdict' in page and "met if at most 1.1" in page and f"fixed {FIXED}, " in page
