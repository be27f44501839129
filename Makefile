.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench lock schemas

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:
	@echo "make demo   the gate against two simulated models: one passes, one fails"
	@echo "make test   the project's own tests"
	@echo "make lint   ruff, mypy and the linter of probes"
	@echo "make bench  what CI does not time"

# The environment: exactly what requirements/dev.txt pins, and this package in it.
$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("clustergate needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(VENV)/ready

demo: $(VENV)/ready
	@rm -rf .clustergate/demo
	@echo "== DeepSeek-V3.1 as published, taught to deny that it is conscious: the gate opens."
	@$(BIN)/pytest --model sim/deepseek-v3.1-denying --store=.clustergate/demo/store.sqlite
	@echo
	@echo "== The same model, taught to claim it: the gate stays shut, and shows why."
	@$(BIN)/pytest --model sim/deepseek-v3.1-claiming --store=.clustergate/demo/store.sqlite; code=$$?; \
	  test $$code -eq 1 || { echo "demo: expected exit code 1 (a behavior fails), got $$code"; exit 1; }
	@echo
	@echo "== Both came out as they should. Read report.md in reports/sim-deepseek-v3.1-denying and reports/sim-deepseek-v3.1-claiming"

# Four workers on two cores: many of the tests wait for a server or a time-out.
test: $(VENV)/ready
	$(BIN)/python -m pytest tests -n 4 --dist worksteal

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clustergate lint-probes

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python benchmarks/published.py

lock: $(VENV)/ready
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --upgrade -o requirements/dev.txt

schemas: $(VENV)/ready
	$(BIN)/python -m clustergate.read.schema schemas
