# The DAG: config -> runs -> train -> evaluate -> report. Rules call the `sprint` command; targets are
#   all           the report of the preset's core studies (the default)
#   all_studies   every study of ablations/
#   <study>       one study by its name, such as drop_ratio
# The scale is --config preset=NAME, a file of workflow/presets.
import sys

from sprint.cli import launch
from sprint.runtime.errors import UserError
from sprint.runtime.files import refuse_unwritable
from sprint.plan.reading import load_plan
from sprint.plan.targets import core_results, run_code, study_code, study_results, trained_extractors

PRESET = str(config.get("preset", "digits"))
RESULTS = f"results/{PRESET}"
REPORTS = f"reports/{PRESET}"
try:
    PLAN = load_plan(PRESET)
    for folder in (RESULTS, REPORTS):
        refuse_unwritable(folder)
except UserError as error:
    sys.stderr.write(f"sprint: {error}\n")
    sys.exit(2)


wildcard_constraints:
    run="[^/]+",
    study="|".join(PLAN.studies),


# Targets name results beside the report made of them: a report alone would not miss a run that was deleted.
rule all:
    input:
        f"{REPORTS}/index.html",
        core_results(PLAN, RESULTS),


rule all_studies:
    input:
        expand(f"{REPORTS}/{{study}}.html", study=PLAN.studies),
        [study_results(PLAN, study, RESULTS) for study in PLAN.studies.values()],


for name in PLAN.studies:

    rule:
        name:
            name
        input:
            f"{REPORTS}/{name}.html",
            study_results(PLAN, PLAN.studies[name], RESULTS),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/report.smk"
