# Every target works alone on a fresh clone with Python (3.11 or newer) and make: it sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STUDY  ?= studies/cgb-spread.toml
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install demo test slow check format lint types layers docs torch bench clean

help: ## Say what each target does
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.tenor ## Make .venv with the core, the pages and the pinned versions
$(VENV)/.tenor: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable '.[serve]'
	@touch $@

$(VENV)/.dev: $(VENV)/.tenor
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.tenor ## Run the embedded study (simulated market) and say where the report is
	$(BIN)/tenor run $(STUDY)
	@echo "In a browser, with its what-if: $(BIN)/tenor serve"

# On all cores; four processes at most, for each takes about 2 GiB.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4

test: $(VENV)/.dev ## Run the tests, but for what is marked slow
	$(PYTEST) -m "not slow"

slow: $(VENV)/.dev ## Run the slow tests: every page in a browser, outages, load
	$(PYTEST) -m slow

check: format lint types layers docs ## Format, lint, types, layers, doc examples; `make test` and `make slow` are the other half

format: $(VENV)/.dev ## Check the formatting
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev ## Check the style rules
	$(BIN)/ruff check .

types: $(VENV)/.dev ## Check the types, strictly
	$(BIN)/mypy

layers: $(VENV)/.dev ## Check that imports point one way
	$(BIN)/lint-imports

docs: $(VENV)/.dev ## Run the examples of docstrings and pages
	$(BIN)/python -m pytest -q --doctest-modules --ignore=src/tenor/io/store/migrations src/tenor
	$(BIN)/python -m pytest -q tests/test_docs.py

torch: $(VENV)/.dev ## Add PyTorch, for parity tests and the side-by-side benchmark (gigabytes where pip has no CPU build)
	$(PIP) install torch==2.13.0

bench: torch ## Run the benchmarks
	$(BIN)/python benchmarks/train_engine.py
	$(BIN)/python benchmarks/backtest.py
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/whatif.py
	$(BIN)/python benchmarks/factors.py
	$(BIN)/python benchmarks/train_stocks.py
	$(BIN)/python benchmarks/serve.py

clean: ## Remove what the targets made, runs excepted
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
