# The commands of this project. `make` alone lists them.
# PYTHON names the interpreter that creates .venv: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
RECIPE := pyproject.toml constraints.txt
COMPILED := $(VENV)/.compiled
GRPCURL := v1.9.3
QUESTDB := 9.3.1
VERSITYGW := v1.8.0

unexport PYTHONDONTWRITEBYTECODE  # the tests start many processes, which read what the first has compiled

.DEFAULT_GOAL := help
.PHONY: help demo test soak lint compiled peers bench clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## backtest golden cross on the real sample bars and write a report
	$(BIN)/cerebrolab backtest GoldenCross --symbols AAPL,IBM,MSFT

test: $(INSTALLED_DEV) $(COMPILED)  ## run the whole test suite, three processes on two cores, as many tests wait
	$(BIN)/python -m pytest -n 3 $(ARGS)

soak: $(INSTALLED_DEV)  ## the long ones: 200 daily and 200 streaming runs killed and stopped at random (SOAK_SEED=... SOAK_POINTS=...)
	$(BIN)/python -m pytest tests -m soak -s $(ARGS)

lint: $(INSTALLED_DEV)  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

compiled: $(COMPILED)  ## compile the twin and the tests; processes that start together would each do it

peers:  ## fetch grpcurl and versitygw (by go) and QuestDB (by mvn) for the tests that speak to them; without, those are skipped
	-@if command -v go > /dev/null; then export GOBIN="$(CURDIR)/$(BIN)"; \
		timeout 300 go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL) 2>&1; \
		timeout 300 go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW) 2>&1; fi
	-@if command -v mvn > /dev/null; then timeout 300 mvn -q -B dependency:get -Dtransitive=false -Dartifact=org.questdb:questdb:$(QUESTDB); fi

bench: $(INSTALLED_DEV)  ## measure speed against plain Backtrader
	$(BIN)/python -m pytest benchmarks --benchmark-only $(ARGS)

clean:  ## remove what was built or cached; runs, logs and stored bars stay
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks .import_linter_cache
	rm -f $(COMPILED)
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
		echo "cerebrolab needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)" >&2; \
		echo "name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --upgrade pip  # old ones take longer

$(INSTALLED): $(RECIPE) | $(BIN)/python
	@echo "installing into $(VENV); the first time takes a few minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(INSTALLED_DEV): $(RECIPE) | $(BIN)/python
	@echo "installing into $(VENV); the first time takes a few minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m compileall -q -q -j 0 -x '/tests?/' $(VENV)/lib || true  # on all cores, without the packages' own tests
	@touch $(INSTALLED) $@

$(COMPILED): $(INSTALLED_DEV) $(wildcard engine/twin/*.py)
	@echo "compiling the twin and the tests, once: about a minute"
	@folder=$$(mktemp -d) && cd "$$folder" && "$(CURDIR)/$(BIN)/cerebrolab" sweep GoldenCross --symbols AAPL,IBM,MSFT \
		-p fast=5:20:5 -p slow=50:60:10 > sweep.txt || { cat sweep.txt >&2; exit 1; }; rm -rf "$$folder"
	@$(BIN)/python -m pytest --collect-only -q -q > $@ || { cat $@ >&2; rm $@; exit 1; }
