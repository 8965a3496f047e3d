# The DAG: config -> runs -> train -> evaluate -> report. Rules call the command line, as a module of this folder, so that
# an environment made of environment.yml needs nothing of ours installed. Targets are
#   all           the report of the preset's core studies (the default)
#   all_studies   every study of ablations/
#   <study>       one study by its name, such as drop_ratio
# The scale is --config preset=NAME, a file of workflow/presets. Targets stand before --config, which takes all after it.
import os

from sprint.plan.outline import read_outline
from sprint.plan.targets import asked, code_of, core_results, costed, latents, refuse_unknown, run_code, study_results
from sprint.plan.targets import one_of, published, taught_by, trained_extractors
from sprint.runtime.errors import told
from sprint.runtime.files import refuse_unwritable
from sprint.plan.leftovers import remove_leftovers

PRESET = str(config.get("preset", "digits"))
RESULTS = f"results/{PRESET}"
REPORTS = f"reports/{PRESET}"
with told():
    PLAN = read_outline(PRESET)
    for folder in (RESULTS, REPORTS):
        refuse_unwritable(folder)
STUDIES = [study.name for study in PLAN.studies]
CACHE = workflow.sourcecache.runtime_cache  # None in a job of another Snakemake, whose it is
remove_leftovers([workflow.snakemake_tmp_dir, *([CACHE.name] if CACHE else [])])


report: "workflow/report/workflow.rst"


wildcard_constraints:
    run="[^/]+",
    study="|".join(STUDIES),


# The jobs of a run say, when they end, what is left of the studies asked for.
onstart:
    os.environ.setdefault(
        "SPRINT_WORKFLOW", asked(PLAN, workflow.dag_settings.targets, workflow.nodes, workflow.cores)
    )
    # With its limit of jobs a second Snakemake 9.27 looks for jobs once more a second for each that ended, ever after.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


# Targets name results beside the report made of them: a report alone would not miss a run that was deleted.
rule all:
    input:
        f"{REPORTS}/index.html",
        core_results(PLAN, RESULTS),


rule all_studies:
    input:
        expand(f"{REPORTS}/{{study}}.html", study=STUDIES),
        [study_results(study, RESULTS) for study in PLAN.studies],


for name in STUDIES:

    rule:
        name:
            name
        input:
            f"{REPORTS}/{name}.html",
            study_results(PLAN.study(name), RESULTS),


include: "workflow/rules/latents.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/published.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/report.smk"


# What no other rule makes, and is no path either, is a mistyped target.
rule unknown_target:
    input:
        lambda wildcards: refuse_unknown(wildcards.target, workflow.rules),
    output:
        "{target,[^/]+}",
