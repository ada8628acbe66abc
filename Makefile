# Posthouse. `make demo` and `make test` work on a fresh checkout with only Python 3.11+ and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help setup demo test check format test-foreign test-crash fuzz bench bench-scale clean

help:            ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(READY)  ## make .venv with posthouse and everything its development needs

# pip < 25.1 can't read dependency groups: the new environment's pip is brought up to date first.
$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Posthouse needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[server]' --group dev
	touch $(READY)

demo: $(READY)   ## a letter with a picture travels through the whole system (ARGS=--once: then stop)
	$(BIN)/posthouse demo $(ARGS)

test: $(READY)   ## the test suite on all cores (ARGS='-k name' for some)
	$(BIN)/python -m pytest -m 'not foreign' --numprocesses auto --dist loadfile $(ARGS)

check: $(READY)  ## format, lint, types, layers, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/unasync.py --check
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY) ## format the code, sort the imports, generate the sync client
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
	$(BIN)/python tools/unasync.py

test-foreign: $(READY)  ## other mail programs against the server; installs them from Debian's packages
	tools/install-foreign
	$(BIN)/python -m pip install --quiet --group foreign
	$(BIN)/python -m pytest -m foreign $(ARGS)

test-crash: $(READY)  ## kill processes at work on a store, hundreds of times (ROUNDS=300), and at the relay (LETTERS=20, in thousands)
	CRASH_ROUNDS=$(or $(ROUNDS),300) RELAY_ROUNDS=$(or $(LETTERS),20) $(BIN)/python -m pytest tests/crash -s -o faulthandler_timeout=0 $(ARGS)

fuzz: $(READY)   ## octets that nobody would send, for a bounded time (SECONDS=60); and other examples for the tests
	$(BIN)/python tools/fuzz.py --seconds $(or $(SECONDS),60) $(ARGS)
	$(BIN)/python -m pytest -q -m 'hypothesis and not foreign' --hypothesis-profile chance --numprocesses auto

bench-scale: $(READY)  ## a store with 10,000 to 1,000,000 messages: what stays flat; importing 100,000 (minutes)
	$(BIN)/python -m bench scale $(ARGS)
	$(BIN)/python -m bench transfer --messages 100000

bench: $(READY)  ## Posthouse and its peers on the same work, in turn; prints ratios
	$(BIN)/python -m bench $(ARGS)

clean:           ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
