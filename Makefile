# Every command a contributor or a user of this repository needs. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out
COMPILE := uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help install diffusion demo test test-slow test-gpu fuzz lint types bench bench-gpu trust-report faults deploy-check lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

# The stamp is written last: an interrupted installation starts again.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Spotmill needs Python 3.11, 3.12 or 3.13; this is %d.%d. Name another one: make PYTHON=python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked set into $(VENV) (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# torch and what runs on it is a matter of gigabytes: only for those who make footage with models, and for the tests.
$(VENV)/.diffusion: $(VENV)/.installed requirements-diffusion.lock
	@echo "Installing what text-to-video models need into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-diffusion.lock
	@touch $@

install: $(VENV)/.installed ## Create .venv and install the locked set

diffusion: $(VENV)/.diffusion ## Add what text-to-video models need: torch, diffusers, transformers

demo: $(VENV)/.installed ## Run the sample campaign and say where its report is
	@$(BIN)/spotmill run templates/sample --out $(OUT)

test: $(VENV)/.diffusion lint types ## Lint, types, layering and all tests but the slow ones
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not gpu"

test-slow: $(VENV)/.diffusion ## The heavier checks
	@$(BIN)/python -m pytest -m slow

test-gpu: $(VENV)/.diffusion ## What only a GPU can show
	@$(BIN)/python -m pytest -m gpu

fuzz: $(VENV)/.diffusion ## Ten minutes of fuzzing the readers of tables, YAML, templates and media (installs atheris)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=3,<4'
	@nice -n 15 $(BIN)/python -m tests.fuzz

lint: $(VENV)/.installed ## Style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed ## Strict types
	@$(BIN)/mypy

bench-gpu: $(VENV)/.diffusion ## Stock diffusers against Spotmill's speed levels, on random weights
	@$(BIN)/python -m benchmarks.bench_gpu

bench: $(VENV)/.installed ## CPU seconds of the sample run against bare encodes of the same films
	@$(BIN)/python -m benchmarks.bench

faults: $(VENV)/.diffusion ## Inject every fault of benchmarks/faults.toml for real, into benchmarks/faults.md (20 minutes)
	@nice -n 10 $(BIN)/python -m benchmarks.faults --processes 2 --out benchmarks/faults.md

trust-report: $(VENV)/.installed ## What the marks outlive and what they cost (ten minutes), into benchmarks/trust.md
	@$(BIN)/python -m benchmarks.trust_report --out benchmarks/trust.md

deploy-check: $(VENV)/.diffusion ## What of deploy/ can be checked with the tools that are here (deploy/README.md)
	@$(BIN)/python deploy/check.py $(ARGS)

soak: $(VENV)/.diffusion ## A thousand and ten thousand ads: time and memory beside the pixels (an hour), into benchmarks/soak.md
	@nice -n 5 $(BIN)/python -m benchmarks.soak --out benchmarks/soak.md

# torch itself pins its CUDA packages, and a CPU build has none of them: they stay out of the lock.
lock: ## Renew the locks from pyproject.toml (needs uv)
	@$(COMPILE) --extra espeak --extra dev pyproject.toml -o requirements.lock
	@$(COMPILE) --extra diffusion --extra learned --extra experiment --extra dev-tests --constraint requirements.lock \
		pyproject.toml -o requirements-diffusion.all
	@grep -vxFf requirements.lock requirements-diffusion.all | grep -Ev '^(nvidia-|cuda-|triton)' > requirements-diffusion.lock
	@$(COMPILE) --extra cluster --constraint requirements.lock --constraint requirements-diffusion.lock \
		pyproject.toml -o requirements-cluster.all
	@grep -vxFf requirements.lock requirements-cluster.all > deploy/requirements-cluster.lock
	@rm requirements-diffusion.all requirements-cluster.all

clean: ## Remove everything that was made or installed here
	@rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
