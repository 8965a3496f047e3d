# What samples are measured with: extractors trained on the preset's images, and those images' features.


rule extractor:
    input:
        latents(PLAN, RESULTS),
    output:
        weights=f"{RESULTS}/extractors/{{name}}.safetensors",
        record=f"{RESULTS}/extractors/{{name}}.json",
    log:
        f"{RESULTS}/logs/extractor-{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/extractor-{{name}}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        preset=PRESET,
        steps=PLAN.extractor_steps,
        data=PLAN.texts["data"],
        code=lambda wildcards: PLAN.extractor_code.get(wildcards.name, {}),
    shell:
        "python -m sprint.cli extractor {wildcards.name} --preset {params.preset} 2>&1 | tee {log}"


rule reference:
    input:
        latents(PLAN, RESULTS),
        trained_extractors(PLAN, RESULTS),
    output:
        features=f"{RESULTS}/reference/features.safetensors",
        floor=report(
            f"{RESULTS}/reference/floor.json",
            caption="../report/floor.rst",
            category="Data",
            labels={"what": "floor"},
        ),
    log:
        f"{RESULTS}/logs/reference.log",
    benchmark:
        f"{RESULTS}/benchmarks/reference.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    threads: PLAN.devices
    resources:
        **PLAN.shared,
    params:
        preset=PRESET,
        extractors=PLAN.extractors,
        code=PLAN.reference_code,
    shell:
        "python -m sprint.cli reference --preset {params.preset} 2>&1 | tee {log}"
