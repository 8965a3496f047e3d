# Published checkpoints that a study names: imported where other runs are trained, by one process without a GPU.
IMPORTED = published(PLAN)


rule published:
    input:
        lambda wildcards: IMPORTED[wildcards.run],
    output:
        report(
            f"{RESULTS}/runs/{{run}}/train.json",
            caption="../report/published.rst",
            category="Runs",
            labels={"run": "{run}", "what": "imported"},
        ),
    log:
        f"{RESULTS}/logs/import-{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/import-{{run}}.tsv"
    wildcard_constraints:
        run=one_of(IMPORTED),
    conda:
        "../../environment.yml"
    params:
        preset=PRESET,
        code=lambda wildcards: run_code(PLAN, wildcards.run),
    shell:
        "python -m sprint.cli train {wildcards.run} --preset {params.preset} 2>&1 | tee {log}"


ruleorder: published > train
