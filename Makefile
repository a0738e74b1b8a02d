# Every target makes or updates .venv only when pyproject.toml changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint bench evidence docs

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@began=$$(date +%s); \
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]' && \
	echo "installed in $$(($$(date +%s) - began)) s"
	touch $(READY)

demo: $(READY)  ## Run the quickstart; the last line is the path of the report.
	$(BIN)/xstilts run quickstart

test: $(READY) lint  ## Lint, types, house plan, every test.
	$(BIN)/python -m pytest -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## Everything about speed, in one table; writes docs/results and docs/*.svg.
	$(BIN)/python -m bench

evidence: $(READY)  ## The slow proofs; says at the end what did not run, and why.
	$(BIN)/python -m pytest -q -rs -m evidence

docs: $(READY)  ## Write the tables in README and docs from docs/results/*.csv, and reports' pictures.
	$(BIN)/python -m xstilts.reports.readme README.md docs/*.md
	$(BIN)/python -m bench.screens
