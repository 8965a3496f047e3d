# Pictures, an autoencoder and latents of a preset with `miniature`: the commands by which a user makes their own.


rule pictures:
    output:
        f"{RESULTS}/pictures/manifest.json",
    log:
        f"{RESULTS}/logs/pictures.log",
    benchmark:
        f"{RESULTS}/benchmarks/pictures.tsv"
    priority: 20
    conda:
        "../../environment.yml"
    params:
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        size=PLAN.image_size,
        number=PLAN.pictures,
    shell:
        "python -m sprint.cli data draw {params.folder} --size {params.size} --count {params.number} 2>&1 | tee {log}"


rule autoencoder:
    input:
        f"{RESULTS}/pictures/manifest.json",
    output:
        config=f"{RESULTS}/autoencoder/config.json",
        weights=f"{RESULTS}/autoencoder/diffusion_pytorch_model.safetensors",
    log:
        f"{RESULTS}/logs/autoencoder.log",
    benchmark:
        f"{RESULTS}/benchmarks/autoencoder.tsv"
    priority: 20
    conda:
        "../../environment.yml"
    params:
        pictures=lambda wildcards, input: os.path.dirname(input[0]),
        folder=lambda wildcards, output: os.path.dirname(output.config),
        size=PLAN.image_size,
        steps=PLAN.autoencoder_steps,
    shell:
        "python -m sprint.cli data autoencoder {params.pictures} {params.folder} --size {params.size} "
        "--steps {params.steps} 2>&1 | tee {log}"


rule latents:
    input:
        f"{RESULTS}/pictures/manifest.json",
        f"{RESULTS}/autoencoder/config.json",
        f"{RESULTS}/autoencoder/diffusion_pytorch_model.safetensors",
    output:
        f"{RESULTS}/latents/index.json",
    log:
        f"{RESULTS}/logs/latents.log",
    benchmark:
        f"{RESULTS}/benchmarks/latents.tsv"
    priority: 20
    conda:
        "../../environment.yml"
    params:
        pictures=lambda wildcards, input: os.path.dirname(input[0]),
        autoencoder=lambda wildcards, input: os.path.dirname(input[1]),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        size=PLAN.image_size,
    shell:
        "python -m sprint.cli data encode {params.pictures} {params.folder} --autoencoder {params.autoencoder} "
        "--size {params.size} 2>&1 | tee {log}"
