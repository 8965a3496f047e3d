# `make` alone lists the targets. Each target sets up what it needs; nothing is installed outside .venv,
# except by `make test`, which as root on Debian adds the packages its browser and Slurm tests need.

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
# Scripts in .venv/bin are called through its python, so that a clone may lie under any path.
IN_VENV := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
SNAKEMAKE := $(IN_VENV) snakemake --cores all
SNAKEFILES := Snakefile $(wildcard workflow/rules/*.smk)
DEBIAN_PACKAGES := chromium slurmctld slurmd slurm-client munge

.DEFAULT_GOAL := help
.PHONY: help report smoke test faults lint lock debian-packages

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

report: $(VENV)/.ready ## train, evaluate and report the preset digits: reports/digits/index.html
	$(SNAKEMAKE)
	@echo "The report: $(CURDIR)/reports/digits/index.html"

smoke: $(VENV)/.ready ## every rule and every method once, as small as can be: reports/smoke/index.html
	$(SNAKEMAKE) --config preset=smoke
	@echo "The report: $(CURDIR)/reports/smoke/index.html"

test: lint debian-packages ## lint, then every test, a real smoke run among them
	OMP_NUM_THREADS=1 $(IN_VENV) pytest -q -n 2 --dist loadfile

faults: $(VENV)/.ready ## every fault of tests/faults as often as docs/reliability.md says, and the table there anew
	FAULTS=full OMP_NUM_THREADS=1 $(IN_VENV) pytest -q -n 2 --dist loadfile tests/faults

lint: $(VENV)/.ready ## ruff, snakefmt and snakemake's own checks
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .
	$(IN_VENV) snakefmt --check $(SNAKEFILES)
	$(IN_VENV) snakemake --lint

# Without root or apt-get nothing is installed, and the tests that need these packages say that they skip.
debian-packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && ! dpkg -s $(DEBIAN_PACKAGES) > /dev/null 2>&1; then \
	    echo "Installing $(DEBIAN_PACKAGES) for the browser and Slurm tests"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	      apt-get install -y -qq --no-install-recommends $(DEBIAN_PACKAGES); } > /dev/null \
	    || echo "They could not be installed: the tests that need them will skip"; \
	fi

$(VENV)/.ready: requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	    found=$$("$(PYTHON)" --version 2> /dev/null || echo none); \
	    echo "sprint-bench needs Python 3.11 or newer, and found $$found:" \
	         "install it, or name it with 'make PYTHON=/path/to/python3.11'" >&2; exit 2; }
	"$(PYTHON)" -m venv $(VENV)
	@echo "Installing $$(wc -l < requirements.lock) pinned packages: about a minute once they are downloaded, and 1.6 GB with a" \
	      "CPU build of torch; a CUDA build, usual on Linux, adds gigabytes of nvidia-* packages that the lock does not pin"
	@quiet=$$([ -t 1 ] || echo --quiet --quiet); set -e; \
	$(PIP) install $$quiet --no-compile -r requirements.lock; \
	$(PIP) install $$quiet --no-deps --no-build-isolation -e .
	@touch $@

lock: ## after a change of pyproject.toml's pins: write requirements.lock and environment.yml anew
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; "$(PYTHON)" -m venv "$$scratch"; \
	"$$scratch/bin/python" -m pip install --quiet --quiet -e '.[test]'; \
	"$$scratch/bin/python" -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > requirements.lock; \
	{ printf '%s\n' 'name: sprint-bench' 'channels: [conda-forge]' 'dependencies:' '  - python=3.11' '  - pip' '  - pip:'; \
	  sed 's/^/      - /' requirements.lock; } > environment.yml
