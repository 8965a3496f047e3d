# JSON to HTML. Editing the report retrains nothing: only its inputs and its settings count.


rule study_report:
    input:
        lambda wildcards: study_results(PLAN.study(wildcards.study), RESULTS),
    output:
        page=report(
            f"{REPORTS}/{{study}}.html",
            caption="../report/study.rst",
            category="Studies",
            labels={"study": "{study}", "as": "page"},
        ),
        table=report(
            f"{REPORTS}/{{study}}.csv",
            caption="../report/table.rst",
            category="Studies",
            labels={"study": "{study}", "as": "numbers"},
        ),
    log:
        f"{RESULTS}/logs/report-{{study}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/report-{{study}}.tsv"
    conda:
        "../../environment.yml"
    params:
        preset=PRESET,
    shell:
        "python -m sprint.cli report {wildcards.study} --preset {params.preset} 2>&1 | tee {log}"


rule report:
    input:
        core_results(PLAN, RESULTS),
    output:
        page=f"{REPORTS}/index.html",
        verdicts=f"{REPORTS}/verdicts.json",
        whole=report(
            f"{REPORTS}/report.html",
            caption="../report/whole.rst",
            category="Report",
            labels={"what": "the whole report"},
        ),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    params:
        preset=PRESET,
    shell:
        "python -m sprint.cli report --preset {params.preset} 2>&1 | tee {log}"
