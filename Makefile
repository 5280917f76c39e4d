# `make run` starts the server, `make test` runs the tests; both first set up .venv in this checkout.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

export PYTHONPATH := $(CURDIR)

.PHONY: run test test-long lint check bench bench-store bench-history bench-stalled bench-kills \
  bench-state bench-terminal vectors attack mutants walks pictures clean

run: $(VENV)/run
	@exec $(BIN)/twistd --nodaemon --pidfile= encchat

# Two runs, because tracing doubles what a test costs, and only the core's tests need it.
CORE := tests/rooms tests/wire

test: $(VENV)/test
	$(BIN)/python -m pytest -q --cov -n auto $(CORE)
	$(BIN)/python -m pytest -q -n auto --dist worksteal $(CORE:%=--ignore=%)

test-long: $(VENV)/test
	ENCCHAT_TESTS=long $(BIN)/python -m pytest -q -n auto --dist worksteal

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

bench: $(VENV)/run
	$(BIN)/python -m benchmarks

bench-store: $(VENV)/run
	$(BIN)/python -m benchmarks.store

bench-history: $(VENV)/run
	$(BIN)/python -m benchmarks.history

bench-stalled: $(VENV)/run
	$(BIN)/python -m benchmarks.stalled

bench-kills: $(VENV)/run
	$(BIN)/python -m benchmarks.kills

bench-terminal: $(VENV)/test
	$(BIN)/python -m benchmarks.terminal

bench-state: $(VENV)/run
	$(BIN)/python -m benchmarks.state

vectors: $(VENV)/test
	$(BIN)/python tests/vectors/make_vectors.py --check

walks: $(VENV)/test
	$(BIN)/python -m tests.e2e.walks $(WALKS)

pictures: $(VENV)/test
	$(BIN)/python -m tests.e2e.walks --pictures

attack: $(VENV)/test
	$(BIN)/python -m tests.attacks $(ATTACKS)

mutants: $(VENV)/test
	$(BIN)/python -m tests.mutants $(MUTANTS)

clean:
	rm -rf $(VENV) build dist *.egg-info _trial_temp*

# What the checkout needs, in versions that were tested together (requirements.lock).

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "encchat needs Python 3.11 or newer; try: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/run: $(VENV)/python setup.cfg requirements.lock
	@echo "Setting up $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint requirements.lock --editable . --config-settings editable_mode=compat
	@touch $@

$(VENV)/test: $(VENV)/run
	@echo "Setting up what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint requirements.lock --editable '.[test,lint,vectors]' --config-settings editable_mode=compat
	@touch $@
