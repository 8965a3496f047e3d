# What runs cost: counted on no hardware at all, and measured with all cores so that nothing runs beside it.


rule cost:
    output:
        report(
            f"{RESULTS}/cost/{{study}}.json",
            caption="../report/cost.rst",
            category="Speed and cost",
            labels={"study": "{study}", "what": "cost, counted"},
        ),
    log:
        f"{RESULTS}/logs/cost-{{study}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cost-{{study}}.tsv"
    conda:
        "../../environment.yml"
    params:
        preset=PRESET,
        runs=lambda wildcards: costed(PLAN.study(wildcards.study)),
        code=lambda wildcards: code_of(PLAN.asked([wildcards.study])) | PLAN.study(wildcards.study).attention_code,
    shell:
        "python -m sprint.cli cost {wildcards.study} --preset {params.preset} 2>&1 | tee {log}"


rule throughput:
    input:
        latents(PLAN, RESULTS),
    output:
        report(
            f"{RESULTS}/throughput/{{study}}.json",
            caption="../report/throughput.rst",
            category="Speed and cost",
            labels={"study": "{study}", "what": "speed, measured"},
        ),
    log:
        f"{RESULTS}/logs/throughput-{{study}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/throughput-{{study}}.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    resources:
        **PLAN.alone,
    params:
        preset=PRESET,
        runs=lambda wildcards: PLAN.study(wildcards.study).runs,
        measure=PLAN.texts["measure"],
    shell:
        "python -m sprint.cli bench study {wildcards.study} --preset {params.preset} --threads {threads} 2>&1 | tee {log}"


rule scaling:
    output:
        report(
            f"{RESULTS}/scaling.json",
            caption="../report/scaling.rst",
            category="Speed and cost",
            labels={"study": "every method", "what": "speed by tokens"},
        ),
    log:
        f"{RESULTS}/logs/scaling.log",
    benchmark:
        f"{RESULTS}/benchmarks/scaling.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    resources:
        **PLAN.alone,
    params:
        preset=PRESET,
        measure=PLAN.texts["measure"],
        model=PLAN.texts["model"],
    shell:
        "python -m sprint.cli bench scaling --preset {params.preset} --threads {threads} 2>&1 | tee {log}"


rule paper_costs:
    input:
        "ablations/published.yaml",
    output:
        report(
            "results/paper_costs.csv",
            caption="../report/paper_costs.rst",
            category="Speed and cost",
            labels={"study": "published networks", "what": "costs beside ours"},
        ),
    log:
        "results/logs/paper_costs.log",
    benchmark:
        "results/benchmarks/paper_costs.tsv"
    conda:
        "../../environment.yml"
    shell:
        "python -m sprint.cli paper-costs --out {output} 2>&1 | tee {log}"
