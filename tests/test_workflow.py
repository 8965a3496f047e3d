"""One real smoke run of the DAG, and what must hold of it: its report, its plans, its bits, and README's commands."""

import html
import re
import shlex
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import browser
import browsing
import pytest
from typer.main import get_command

from sprint.cli import main as cli
from sprint.methods import METHODS
from sprint.plan.reading import load_plan
from sprint.report.figures.workflow import ARROWS, RULES

SMOKE = ("--config", "preset=smoke")


def succeeded(done):
    """A finished command, which must have ended well."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def built(module_workspace, snakemake) -> Path:
    """A project in which `snakemake --cores 2 --config preset=smoke` has just run to its end."""
    succeeded(snakemake(*SMOKE, cwd=module_workspace, timeout=1800))
    return module_workspace


@pytest.fixture(scope="module")
def plan(module_workspace):
    return load_plan("smoke", module_workspace)


@pytest.fixture
def planned(snakemake):
    """planned(folder, "target", ...): how many jobs of each rule `snakemake -n` plans; targets' own rules left out."""

    def call(folder: Path, *arguments: str) -> Counter:
        done = succeeded(snakemake("-n", *arguments, *SMOKE, cwd=folder))
        table = re.search(r"^job +count\n-[- ]+\n(.*?)^total", done.stdout + done.stderr, re.M | re.S)
        assert table or "Nothing to be done" in done.stdout + done.stderr
        rows = dict(line.split() for line in table[1].splitlines()) if table else {}
        targets = {"all", "all_studies", *(path.stem for path in (folder / "ablations").glob("*.yaml"))}
        return Counter({rule: int(count) for rule, count in rows.items() if rule not in targets})

    return call


def run_named(plan, study: str, method: str, drop: float):
    (run,) = [run for run in plan.study(study).runs if (run.method, run.drop) == (method, drop)]
    return run


def test_the_workflow_looks_for_jobs_when_one_ends_and_not_in_between(workspace, snakemake):
    """Or a long one spends its processors on looking: Snakemake adds a look a second for each job that ended."""
    costs = [f"results/smoke/cost/{study}.json" for study in ("control", "methods", "drop_ratio", "teacher")]
    done = succeeded(snakemake("--verbose", "--cores", "1", *costs, *SMOKE, cwd=workspace))
    assert len(costs) <= done.stderr.count("Ready jobs: ") <= 2 * len(costs) + 1


def test_the_report_holds_every_study_and_every_method(built, plan):
    page = html.unescape((built / "reports/smoke/report.html").read_text(encoding="utf-8"))
    assert [name for name in plan.preset.studies if plan.study(name).title not in page] == []
    assert [name for name in plan.preset.studies if plan.study(name).question not in page] == []
    assert [name for name in plan.core_methods() if METHODS[name].title.lower() not in page.lower()] == []
    assert {run.method for run in plan.runs().values()} == set(METHODS), "a method that no study has"
    assert "missing: not trained yet" not in page
    assert [said for said in ("Where the time of a step goes", "Published costs beside ours") if said not in page] == []
    assert len(page.encode()) < 5_000_000


def core_runs(plan) -> list:
    return [run for name in plan.preset.studies for run in plan.study(name).runs]


def test_every_core_run_was_trained_and_measured(built, plan):
    for run in core_runs(plan):
        folder = built / "results/smoke/runs" / run.name
        assert {"config.json", "train.json", "metrics.json"} <= {path.name for path in folder.iterdir()}
        assert (built / f"results/smoke/logs/train-{run.name}.log").stat().st_size
        assert (built / f"results/smoke/benchmarks/train-{run.name}.tsv").stat().st_size


@pytest.mark.browser
@pytest.mark.skipif(not browser.chromium(), reason="no chromium on this machine")
@pytest.mark.parametrize("name", ["index", "report"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_browser_shows_the_report_at_every_width(built, name, dark):
    for width, found in browser.seen(built / f"reports/smoke/{name}.html", [1280, 400, 1920], dark).items():
        assert found["inner"] == width
        assert found["scroll"] <= width and found["outside"] == []
        assert (name == "index" or found["images"] > 8) and found["broken"] == []
        assert found["requests"] == [] and found["errors"] == []
        assert found["text"] > 1000


@pytest.mark.browser
@pytest.mark.skipif(not browser.chromium(), reason="no chromium on this machine")
def test_a_reader_uses_the_report(built):
    """Sorting, filtering, pinning, links, copies, hover, the divider, and all of it by keys alone."""
    with browser.opened() as tab:
        for check in browsing.CHECKS:
            check(tab, built / "reports/smoke")
        assert tab.errors == []
        assert [url for url in tab.requests if not url.startswith(("file:", "data:", "about:"))] == []


def test_the_picture_of_the_workflow_is_that_of_snakemake(built, snakemake):
    graph = succeeded(snakemake("--rulegraph", *SMOKE, cwd=built)).stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    arrows = {(names[first], names[second]) for first, second in re.findall(r"(\d+) -> (\d+)", graph)}
    drawn = {pair for pair in arrows if "all" not in pair}
    assert drawn == set(ARROWS) and {name for pair in drawn for name in pair} == set(RULES)


def test_the_report_of_snakemake_is_complete(built, plan, snakemake):
    """Every run's metrics, every study's cost, and the whole report, with captions, in one ZIP."""
    succeeded(snakemake("--report", "report.zip", *SMOKE, cwd=built))
    with zipfile.ZipFile(built / "report.zip") as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        text = b" ".join(archive.read(name) for name in archive.namelist() if name.endswith(("js", "html"))).decode()
    assert {"report.html", "metrics.json", "floor.json"} <= names
    assert [run.name for run in core_runs(plan) if run.name not in text] == []
    assert "It needs no" in text


@pytest.mark.browser
@pytest.mark.skipif(not browser.chromium(), reason="no chromium on this machine")
def test_a_browser_would_tell_overflow_and_broken_pictures(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<body><p style="width: 600px">wide</p><img src="absent.png" alt="absent">')
    found = browser.seen(page, [1280, 400])
    assert found[1280]["scroll"] <= 1280 and found[1280]["outside"] == []
    assert found[400]["scroll"] > 400 and len(found[400]["outside"]) == 1
    assert found[400]["broken"] == ["absent"]


def test_the_default_profile_is_read_and_what_a_killed_snakemake_leaves_is_no_lock(built, snakemake):
    lock = built / ".snakemake" / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(f"{built}/reports/smoke/index.html\n", encoding="utf-8")
    done = succeeded(snakemake(*SMOKE, cwd=built))
    lock.unlink(missing_ok=True)
    assert "profiles/default" in done.stdout + done.stderr


def test_nothing_is_planned_once_all_is_built(built, planned):
    assert planned(built) == {}


def test_editing_the_report_or_a_plot_plans_nothing(built, planned, repository):
    """The edited package lies in the project's folder, where `python -m snakemake` finds it first."""
    shutil.copytree(repository / "sprint", built / "sprint")
    try:
        for path in (built / "sprint" / "report").rglob("*"):
            if path.suffix in (".py", ".css", ".html"):
                path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        assert planned(built) == {}
    finally:
        shutil.rmtree(built / "sprint")


@pytest.mark.parametrize(
    "study, method, drop, sweeps", [("drop_ratio", "tokendrop", 0.5, 0), ("guidance", "dense", 0, 1)]
)
def test_deleting_a_run_plans_only_what_depends_on_it(built, plan, planned, study, method, drop, sweeps):
    folder = built / "results/smoke/runs" / run_named(plan, study, method, drop).name
    aside = built / "aside"
    folder.rename(aside)
    try:
        assert planned(built) == Counter(train=1, evaluate=1, sweep=sweeps, report=1)
    finally:
        aside.rename(folder)
    assert planned(built) == {}


def test_forcing_the_trainings_of_a_study_plans_no_others(built, plan, planned):
    runs = len(plan.study("drop_ratio").runs)
    assert planned(built, "drop_ratio", "--forcerun", "train") == Counter(train=runs, evaluate=runs, study_report=1)


def test_a_study_by_its_name_plans_that_study_alone(new_workspace, plan, planned):
    runs = len(plan.study("drop_ratio").runs)
    assert planned(new_workspace("alone"), "drop_ratio") == Counter(
        extractor=2, reference=1, train=runs, evaluate=runs, cost=1, throughput=1, study_report=1
    )


def test_all_studies_plans_every_run_once(new_workspace, plan, planned):
    counts = planned(new_workspace("all"), "all_studies")
    assert counts["train"] == counts["evaluate"] == len(plan.runs())
    assert counts["study_report"] == counts["cost"] == len(plan.studies)
    assert counts["sweep"] == sum(len(study.sweeps) for study in map(plan.study, plan.studies))


def test_finished_studies_are_listed_as_done_with_nothing_left(built, run_cli):
    out = succeeded(run_cli("list", "--preset", "smoke", cwd=built)).stdout
    (line,) = [line for line in out.splitlines() if line.startswith("drop_ratio ")]
    assert " yes " in line
    (line,) = [line for line in out.splitlines() if line.startswith("paths ")]
    assert " no " in line
    assert " done, 0 running, 0 to come\n" in out


def test_a_study_built_by_its_name_has_a_page_of_its_own(built, snakemake):
    succeeded(snakemake("drop_ratio", *SMOKE, cwd=built))
    assert "<h1>Drop ratio" in (built / "reports/smoke/drop_ratio.html").read_text(encoding="utf-8")


def test_snakemakes_own_report_is_made_of_what_was_built(built, snakemake, tmp_path):
    """`snakemake --report FILE`, without --cores: the profile has them."""
    page = tmp_path / "report.html"
    succeeded(snakemake("--report", page, *SMOKE, cwd=built, cores=None))
    said = page.read_text(encoding="utf-8")
    assert [rule for rule in ("extractor", "reference", "train", "evaluate", "sweep") if f'"{rule}"' not in said] == []


def test_metrics_of_two_fresh_trainings_are_the_same_bytes(built, plan, snakemake):
    folder = built / "results/smoke/runs" / run_named(plan, "drop_ratio", "sprint", 0.75).name
    before = {name: (folder / name).read_bytes() for name in ("metrics.json", "config.json")}
    shutil.rmtree(folder)
    succeeded(snakemake(f"results/smoke/runs/{folder.name}/metrics.json", *SMOKE, cwd=built))
    assert {name: (folder / name).read_bytes() for name in before} == before


def readme_commands() -> list[str]:
    """The commands of README's ```bash blocks."""
    readme = Path(__file__).resolve().parent.parent / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)).replace("\\\n", " ")
    return [command for line in blocks.splitlines() if (command := line.partition(" #")[0].strip())]


@pytest.mark.parametrize("command", readme_commands() or ["README.md is missing"])
def test_commands_of_the_readme_are_real(command, module_workspace, plan, snakemake, repository):
    """Workflow commands as -n; what sets up is known by its target; options of `sprint` must exist."""
    program, *arguments = shlex.split(command)
    if command == "README.md is missing":
        pytest.skip(command)
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.M)
        assert [target for target in arguments if target not in targets] == []
    elif program == "snakemake":
        run = next(iter(plan.runs()))
        arguments = [argument.replace("<run>", run).replace("/digits/", "/smoke/") for argument in arguments]
        succeeded(snakemake("-n", *arguments, *(() if "--config" in arguments else SMOKE), cwd=module_workspace))
    elif program == "sprint":
        found = get_command(cli.app)
        for word in arguments:
            found = getattr(found, "commands", {}).get(word, found)
        assert found.name in arguments and not hasattr(found, "commands")
        options = {option for parameter in found.params for option in parameter.opts} | {"--help"}
        assert {argument for argument in arguments if argument.startswith("--")} <= options
    else:
        assert program in ("git", "conda", "pip", "source", "cd")
