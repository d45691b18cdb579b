# Everything that a developer or CI runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help check lint types layers test docs bench record picture lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | while IFS='|' read -r name what; do printf '  %-8s %s\n' "$$name" "$$what"; done

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

check: lint types layers test  ## everything that CI runs

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

layers: $(INSTALLED)
	$(BIN)/lint-imports

test: $(INSTALLED)  ## the tests, with branch coverage
	$(BIN)/python -m pytest --cov --cov-report=term

docs: $(INSTALLED)  ## the documentation site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(INSTALLED)  ## the benchmarks
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python -m benchmarks.collect
	$(BIN)/python -m benchmarks.evaluate
	$(BIN)/python -m benchmarks.diff
	$(BIN)/python -m benchmarks.report

record: $(INSTALLED)  ## record the shipped cassettes anew, from the stand-in site
	$(BIN)/python -m tests.record

picture: $(INSTALLED)  ## take the README's picture of the report anew
	$(BIN)/python -m tests.screenshot

lock: $(INSTALLED)  ## pin the newest versions of everything
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --extra dev --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-annotate --output-file constraints.txt pyproject.toml

clean:  ## remove what was built
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
