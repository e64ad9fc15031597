# The commands of this project. `make` alone lists them.
# PYTHON names the interpreter that creates .venv: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_START := $(VENV)/.installed-start
INSTALLED_DEV := $(VENV)/.installed-dev
RECIPE := pyproject.toml constraints.txt
COMPILED := $(VENV)/.compiled
GRPCURL := v1.9.3
QUESTDB := 9.3.1
VERSITYGW := v1.8.0
# these two run for minutes only: without optimisation they are built in half the time
GOQUICK := -ldflags='-s -w' -gcflags='all=-N -l'

unexport PYTHONDONTWRITEBYTECODE  # the tests start many processes, which read what the first has compiled

.DEFAULT_GOAL := help
.PHONY: help demo start start-fresh test test-integration soak lint compiled peers bench docs dist clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## backtest golden cross on the real sample bars and write a report
	$(BIN)/cerebrolab backtest GoldenCross --symbols AAPL,IBM,MSFT

start: $(INSTALLED_START)  ## serve the REST API, gRPC, the dashboard and, with Alpaca keys, the stream, on this machine; Ctrl-C ends all of it
	@$(BIN)/cerebrolab serve all $(ARGS)

start-fresh: $(INSTALLED_START)  ## the same with empty data: what there is is moved aside, after a question
	@$(BIN)/cerebrolab serve all --fresh $(ARGS)

test: $(INSTALLED_DEV) $(COMPILED)  ## run the whole test suite, three processes on two cores, as many tests wait
	$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

test-integration: $(INSTALLED_DEV)  ## only the tests from make start to the mail that arrives: pull, backtest, subscription, daily run
	$(BIN)/python -m pytest tests/integration $(ARGS)

soak: $(INSTALLED_DEV)  ## the long ones: 200 daily and 200 streaming runs killed and stopped at random (SOAK_SEED=... SOAK_POINTS=...)
	$(BIN)/python -m pytest tests -m soak -s $(ARGS)

lint: $(INSTALLED_DEV)  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

compiled: $(COMPILED)  ## compile the twin and the tests; processes that start together would each do it

peers:  ## fetch grpcurl and versitygw (by go), QuestDB (by mvn) and Chromium (by apt) for the tests that need them; without, those are skipped
	-@if command -v go > /dev/null; then export GOBIN="$(CURDIR)/$(BIN)"; \
		timeout 300 go install $(GOQUICK) github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL) 2>&1; \
		timeout 300 go install $(GOQUICK) github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW) 2>&1; fi
	-@if command -v mvn > /dev/null; then timeout 300 mvn -q -B dependency:get -Dtransitive=false -Dartifact=org.questdb:questdb:$(QUESTDB); fi
	-@if ! command -v chromium > /dev/null && command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ]; then \
		timeout 300 sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium' > /dev/null 2>&1; fi

bench: $(INSTALLED_DEV)  ## measure speed against plain Backtrader
	$(BIN)/python -m pytest benchmarks --benchmark-only $(ARGS)

docs: $(INSTALLED_DEV)  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet $(ARGS)

dist: $(INSTALLED_DEV)  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

clean:  ## remove what was built or cached; runs, logs and stored bars stay
	rm -rf build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .benchmarks .import_linter_cache
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

$(INSTALLED_START): $(RECIPE) | $(BIN)/python
	@echo "installing into $(VENV); the first time takes a few minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dashboard,live,services]'
	@touch $(INSTALLED) $@

$(INSTALLED_DEV): $(RECIPE) | $(BIN)/python
	@echo "installing into $(VENV); the first time takes a few minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m compileall -q -q -j 0 -x '/tests?/' $(VENV)/lib || true  # on all cores, without the packages' own tests
	@touch $(INSTALLED) $(INSTALLED_START) $@

$(COMPILED): $(INSTALLED_DEV) $(wildcard engine/twin/*.py)
	@echo "compiling the twin and the tests, once: about a minute"
	@folder=$$(mktemp -d) && cd "$$folder" && "$(CURDIR)/$(BIN)/cerebrolab" sweep GoldenCross --symbols AAPL,IBM,MSFT \
		-p fast=5:20:5 -p slow=50:60:10 > sweep.txt || { cat sweep.txt >&2; exit 1; }; rm -rf "$$folder"
	@$(BIN)/python -m pytest --collect-only -q -q > $@ || { cat $@ >&2; rm $@; exit 1; }
