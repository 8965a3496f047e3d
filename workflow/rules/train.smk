# One training per run. Its only declared output comes last; checkpoints in the same folder carry an interrupted run on.


rule train:
    input:
        latents(PLAN, RESULTS),
        lambda wildcards: taught_by(PLAN, wildcards.run, RESULTS),
    output:
        report(
            f"{RESULTS}/runs/{{run}}/train.json",
            caption="../report/train.rst",
            category="Runs",
            labels={"run": "{run}", "what": "training"},
        ),
    log:
        f"{RESULTS}/logs/train-{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train-{{run}}.tsv"
    conda:
        "../../environment.yml"
    threads: PLAN.threads
    resources:
        **PLAN.shared,
    params:
        preset=PRESET,
        code=lambda wildcards: run_code(PLAN, wildcards.run),
    shell:
        "python -m sprint.cli train {wildcards.run} --preset {params.preset} 2>&1 | tee {log}"
