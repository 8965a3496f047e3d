# Samples of a run, measured: what every run gets, and what a study asks for beyond it.


rule evaluate:
    input:
        train=f"{RESULTS}/runs/{{run}}/train.json",
        reference=f"{RESULTS}/reference/features.safetensors",
    output:
        metrics=report(
            f"{RESULTS}/runs/{{run}}/metrics.json",
            caption="../report/metrics.rst",
            category="Runs",
            labels={"run": "{run}", "what": "metrics"},
        ),
        time=f"{RESULTS}/runs/{{run}}/metrics.time.json",
    log:
        f"{RESULTS}/logs/evaluate-{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate-{{run}}.tsv"
    priority: 5
    conda:
        "../../environment.yml"
    threads: PLAN.devices
    resources:
        **PLAN.shared,
    params:
        preset=PRESET,
        evaluate=PLAN.texts["evaluate"],
        code=PLAN.evaluation_code,
    shell:
        "python -m sprint.cli evaluate {wildcards.run} --preset {params.preset} 2>&1 | tee {log}"


rule sweep:
    input:
        train=f"{RESULTS}/runs/{{run}}/train.json",
        before=ancient(f"{RESULTS}/runs/{{run}}/metrics.json"),  # what both ask for is drawn once
        reference=f"{RESULTS}/reference/features.safetensors",
    output:
        metrics=report(
            f"{RESULTS}/sweeps/{{study}}/{{run}}.json",
            caption="../report/sweep.rst",
            category="Runs",
            labels={"run": "{run}", "what": "sweep of {study}"},
        ),
        time=f"{RESULTS}/sweeps/{{study}}/{{run}}.time.json",
    log:
        f"{RESULTS}/logs/sweep-{{study}}-{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sweep-{{study}}-{{run}}.tsv"
    priority: 5
    conda:
        "../../environment.yml"
    threads: PLAN.devices
    resources:
        **PLAN.shared,
    params:
        preset=PRESET,
        evaluate=PLAN.texts["evaluate"],
        guidance=lambda wildcards: PLAN.study(wildcards.study).sweeps[wildcards.run],
        code=lambda wildcards: PLAN.study(wildcards.study).sweep_code[wildcards.run],
    shell:
        "python -m sprint.cli evaluate {wildcards.run} --preset {params.preset} --sweep {wildcards.study} 2>&1 | tee {log}"
