# Everything that the project does, by name. A fresh clone needs Python 3.11 and a package registry, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ROOMS := backtest benchmarks cli diagnosis measures migrations monitoring providers retraining rollout server statemachine store
TYPED := $(ROOMS) client/src verifier/src scripts tests $(wildcard examples)
# Where `make evaluate` finds the public streams.
DATA ?= data
# How many events `make replicas` has its clients append.
EVENTS ?= 200000
# How many processes run the tests.
JOBS ?= 2
# Trees on few rows gain nothing from threads, and threads of many processes wait for each other.
export OMP_NUM_THREADS ?= 1
# What a process has compiled, the next one reads: it is a third of what a start takes, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: setup demo test coverage acceptance lint format proto lock bench replicas evaluate evaluate-detectors evaluate-quality evaluate-causes evaluate-alarms derive replay-million same-bits clean help

## setup: make .venv from the lock, and install the service and its client into it
setup: .venv/installed

.venv/locked: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	touch $@

# The build backend stands in the lock, so nothing is fetched here and nothing is resolved.
.venv/installed: .venv/locked pyproject.toml client/pyproject.toml verifier/pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
		--editable ./client --editable ./verifier --editable .
	touch $@

## demo: run the whole service on sixteen years of a city's railway, and show what it did
demo: setup
	$(BIN)/remission demo

## test: every test but acceptance
test: setup
	$(BIN)/pytest tests --ignore=tests/acceptance -n $(JOBS) --dist loadfile

## coverage: the same tests, and which lines and branches of ours they reach; simulations take twice as long while counted
coverage: setup
	$(BIN)/pytest tests --ignore=tests/acceptance -n $(JOBS) --dist loadfile --cov --cov-report=term

## acceptance: the promises, shown from outside on real processes and real databases
# System packages that a promise needs are installed here, first; every other comes from the lock.
acceptance: setup
	scripts/acceptance_packages.sh
	$(BIN)/pytest tests/acceptance

## lint: format, rules, types, floors, contract
lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/proto.py check

## format: let the formatter write, and repair what rules can repair
format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## proto: generate the code of the contract
proto: setup
	$(BIN)/python scripts/proto.py generate

## lock: write requirements.lock again; UPGRADE=1 looks for newer versions
lock: setup
	$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

## bench: what the service costs beside the least that could do the work
bench: setup
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.record
	$(BIN)/python -m benchmarks.profiles
	$(BIN)/python -m benchmarks.decisions
	$(BIN)/python -m benchmarks.estimates

## replicas: EVENTS of eight clients, while one of their servers is killed and another frozen; nothing may be lost
replicas: setup
	$(BIN)/python -m benchmarks.replicas --events $(EVENTS)

## evaluate: the public streams in DATA=folder, against models left alone; QUICK=1 for a few
evaluate: setup
	$(BIN)/python -m benchmarks.evaluate --data $(DATA) $(if $(QUICK),--quick)

## evaluate-quality: faults of each kind planted in the public streams in DATA=folder, and what is made of them
evaluate-quality: setup
	$(BIN)/python -m benchmarks.faults --data $(DATA)

## evaluate-causes: known causes planted in the public streams in DATA=folder, and what the diagnosis names; QUICK=1 for a few
evaluate-causes: setup
	$(BIN)/python -m benchmarks.causes --data $(DATA) $(if $(QUICK),--quick)

## evaluate-alarms: alarms on shuffled twins of the streams in DATA=folder, after dated changes, and of sensors; QUICK=1 for a few
evaluate-alarms: setup
	$(BIN)/python -m benchmarks.alarms --data $(DATA) $(if $(QUICK),--quick)

## evaluate-detectors: false alarms, delays and confirmations of the detector of drift, beside peers; QUICK=1 for a few
evaluate-detectors: setup
	$(BIN)/python -m benchmarks.detectors $(if $(QUICK),--quick)

## derive: every decision of the public streams in DATA=folder made again, from both databases; QUICK=1 for a few
derive: setup
	$(BIN)/python -m benchmarks.derive --data $(DATA) $(if $(QUICK),--quick)

## replay-million: a million events laid into both databases and folded again
replay-million: setup
	$(BIN)/python -m benchmarks.million

## same-bits: a million windows counted in every order, partition and number of workers, by numba and by two numpys
same-bits: setup
	$(BIN)/python -m benchmarks.same_bits $(if $(QUICK),--quick)

## clean: remove what tools and runs have left; .venv stays
clean:
	rm -rf .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

## help: this list
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
