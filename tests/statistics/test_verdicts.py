"""Claims of papers: rules are read strictly, and decide by the ends of the interval alone."""

import re

import pytest
import tiny
import yaml
from fake_results import STEPS, evaluation, make_results, make_run, study

from sprint.report import render_index
from sprint.report.read import read_study
from sprint.report.views import verdicts
from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json
from sprint.statistics.claims import holds, read_claims

RULE = {
    "metric": "fd",
    "of": {"method": "sprint", "drop": 0.75},
    "over": {"method": "dense"},
    "supported": "high <= 1.1",
    "contradicted": "low > 1.1",
}


def claims(folder, *rules, **changes):
    path = folder / "published.yaml"
    claim = {"id": "one", "method": "sprint", "claim": "It holds", "rules": [*rules], **changes}
    path.write_text(yaml.safe_dump({"claims": [claim]}), encoding="utf-8")
    return read_claims(path)


def runs(results, dense, sprint, changes):
    """A study of two settings whose unguided FDs by seed are given."""
    names = []
    for method, drop, values in (("dense", 0.0, dense), ("sprint", 0.75, sprint)):
        for seed, value in enumerate(values):
            name = make_run(results, method, drop, seed, value)
            entry = evaluation(STEPS, "none", 1.0, value) | (changes if method == "sprint" else {})
            write_json(results / "runs" / name / "metrics.json", {"run": name, "state": "done", "evaluations": [entry]})
            names.append(name)
    return read_study("digits", results, study("methods", names, ["method", "drop"]))


def verdict(folder, *values, rule=RULE, **changes):
    (found,) = verdicts.verdicts([runs(folder, *values, changes)], claims(folder, rule))
    return found.verdict, found.outcomes[0][1]


def test_every_claim_of_the_file_has_a_rule_or_says_why_not():
    found = read_claims(tiny.ROOT / "ablations" / "published.yaml")
    assert len(found) >= 7 and len({claim.id for claim in found}) == len(found)
    assert all(claim.rules or claim.untested for claim in found)


@pytest.mark.parametrize(
    ("sprint", "expected"),
    [
        ((40.0, 41.0, 40.5), "supported"),
        ((60.0, 61.0, 60.5), "contradicted"),
        ((40.0, 50.0, 44.0), "undecided"),
        ((40.0,), "undecided"),
    ],
)
def test_the_interval_decides(tmp_path, sprint, expected):
    found, outcome = verdict(tmp_path, (40.0, 41.0, 40.4), sprint)
    assert found == expected
    assert ("one seed" in outcome.interval) == (len(sprint) == 1)


def test_what_is_not_there_is_not_tested_and_says_why(tmp_path):
    for rule, why in (
        (RULE | {"study": "finetune"}, "study finetune is not part of this report"),
        (RULE | {"over": {"method": "dense", "train": {"steps": 7}}}, "no run of dense 0%, steps 7"),
        (RULE | {"of": RULE["of"] | {"guidance": "pdg"}}, "no FD (digits-cnn) with guidance pdg"),
        (RULE | {"metric": "cost/nothing"}, "has no cost called nothing"),
    ):
        found, outcome = verdict(tmp_path, (40.0,), (44.0,), rule=rule)
        assert found == "not tested" and why in outcome.why


def test_evaluations_that_differ_in_more_than_the_studied_are_not_judged(tmp_path):
    found, outcome = verdict(tmp_path, (40.0, 41.0), (40.0, 41.0), images=40)
    assert found == "not tested" and "images 640 and 40" in outcome.why


def test_all_rules_of_a_claim_have_to_hold():
    assert verdicts.together(["supported", "supported"]) == "supported"
    assert verdicts.together(["supported", "undecided"]) == "undecided"
    assert verdicts.together(["not tested", "contradicted"]) == "contradicted"
    assert verdicts.together(["supported", "not tested"]) == "not tested"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "fd", "effects": 1}, "rules[0]: unknown key 'effects' (nearest: 'effect')"),
        ({"supported": "high < = 1"}, "supported is 'high < = 1'; allowed: low or high"),
        ({"effect": "quotient"}, "effect is 'quotient'; allowed: ratio, difference"),
        ({"metric": "FID"}, "metric is 'FID'"),
        ({"of": {"method": "sprint", "dropp": 1}}, "unknown key 'dropp'"),
    ],
)
def test_a_rule_that_is_not_right_is_refused(tmp_path, changes, said):
    with pytest.raises(UserError, match=re.escape(said)):
        claims(tmp_path, RULE | changes)


def test_a_claim_without_rules_has_to_say_why(tmp_path):
    with pytest.raises(UserError, match="has neither rules and untested"):
        claims(tmp_path)
    assert claims(tmp_path, untested="it speaks of speed")[0].untested


def test_conditions_are_read_as_they_stand():
    assert holds("high <= 1.1", 0.9, 1.1) and not holds("high < 1.1", 0.9, 1.1)
    assert holds("low > -0.5", -0.4, 2.0) and not holds("low >= 1", 0.9, 2.0)


def test_the_page_refuses_to_draw_what_was_not_evaluated_alike_and_says_so(tmp_path):
    results, studies = make_results(tmp_path)
    name = studies[0]["runs"][0]
    path = results / "runs" / name / "metrics.json"
    content = read_json(path)
    for entry in content["evaluations"]:
        entry["sampler"] = {"kind": "euler", "steps": 50}
    write_json(path, content)
    render_index("digits", results, studies[:1], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Not drawn and not compared" in page and "kind euler, steps 50" in page
    assert re.findall(r'<img src="data:image/svg[^"]*" alt="(?!Training speed-up)[^"]*"', page) == []
    assert "Paired differences" not in page


def test_the_page_shows_budgets_differences_and_verdicts(tmp_path):
    results, studies = make_results(tmp_path)
    render_index("digits", results, studies[:1], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for heading in ("Paired differences to Dense 0%", "Cost to the quality of the base", "The saving as its factors"):
        assert heading in page
    assert "2.82×" in page and "6.57×" in page  # of 9.8x: per step, and 427.7 / 65.1
    assert 'class="verdict' in page and "supported if high &lt;= 1.1" in page
