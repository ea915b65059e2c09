# Every target makes the environment it needs, in .venv, with nothing but Python and pip.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
# One stamp for each set of extras: a target installs what it needs, and only what is not there yet.
RUNTIME := $(VENV)/.runtime
WORLDS := $(VENV)/.worlds
READY := $(VENV)/.ready
TRAINING := $(VENV)/.training
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile --editable
WORLD := examples/worlds/car_racing
# Tests start hundreds of Python processes, and pip compiles nothing: whoever imports a module first keeps what was compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo play test test-fast test-network lint format interop interop-page bench world miniature docs docs-serve clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "openreactor needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) for what this clone runs; the first time, its packages are fetched."
# The pip that Python brings takes twice as long to choose and to install, and seconds to be unpacked: today's is fetched instead.
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --disable-pip-version-check --no-compile pip \
	  || $(PYTHON) -m venv --upgrade-deps $(VENV)

$(RUNTIME): pyproject.toml | $(BIN)/pip
	$(INSTALL) ".[runtime]"
	@touch $@

$(WORLDS): pyproject.toml | $(BIN)/pip
	$(INSTALL) ".[worlds]"
	@touch $(RUNTIME) $@

$(READY): pyproject.toml | $(BIN)/pip
	$(INSTALL) ".[dev]"
	@touch $(RUNTIME) $(WORLDS) $@

install: $(READY)  ## the development environment in .venv

demo: $(RUNTIME)  ## the main job: a real video, restyled live by a model that obeys commands
	$(BIN)/python examples/restyle/demo.py

play: $(WORLDS)  ## drive in the dream of a neural network, with the arrow keys, in the browser
	$(BIN)/reactor run examples/worlds/car_racing --host 127.0.0.1

$(TRAINING): $(READY)
	$(INSTALL) ".[train]"
	@touch $@

world: $(TRAINING)  ## the world of `make play` anew: drives, training, weights, figures; three and a half hours on two cores
	$(BIN)/python $(WORLD)/collect.py --out out/car_racing/data --seed 1 --workers 2
	$(BIN)/python $(WORLD)/collect.py --out out/car_racing/held --seed 900 --workers 1 --frames 10000
	$(BIN)/python $(WORLD)/train.py --data out/car_racing/data --out out/car_racing
	$(BIN)/python $(WORLD)/export.py --training out/car_racing/training.pt --data out/car_racing/data
	$(BIN)/python $(WORLD)/evaluate.py --drives out/car_racing/held --card

miniature: $(TRAINING)  ## two minutes of the same, tested
	$(BIN)/python -m pytest tests/training

test: test-fast test-network  ## all tests

test-fast: $(READY)  ## the tests that open no connection
	$(BIN)/python -m pytest --ignore=tests/interop --ignore=tests/training -m "not network" --numprocesses=$(WORKERS) --dist=worksteal --quiet

test-network: $(READY)  ## the tests over real WebRTC, those that measure time one at a time
	$(BIN)/python -m pytest --ignore=tests/interop --ignore=tests/training -m "network and not timing" --numprocesses=$(WORKERS) --dist=loadfile --quiet
	$(BIN)/python -m pytest --ignore=tests/interop --ignore=tests/training -m timing

lint: $(READY)  ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers=2
	$(BIN)/mypy --num-workers=2 tests benchmarks examples website
	$(BIN)/lint-imports

format: $(READY)  ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

interop: $(READY)  ## the published clients and runtime against ours
	$(BIN)/python -m pytest tests/interop --numprocesses=$(WORKERS) --dist=loadfile

interop-page: $(READY)  ## the same, and the table of what works in docs/compatibility.md
	INTEROP_PAGE=docs/compatibility.md $(BIN)/python -m pytest tests/interop --numprocesses=$(WORKERS) --dist=loadfile

bench: $(READY)  ## latency, start-up and cost, beside the published pair; crashes, a soak, and the coordinator's figures
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.crossing
	$(BIN)/python -m benchmarks.kill
	$(BIN)/python -m benchmarks.coordinator
	$(BIN)/python -m benchmarks.soak

docs: $(READY)  ## the documentation site, in out/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "out/site/index.html"

docs-serve: $(READY)  ## the same on http://127.0.0.1:8000/, built anew on every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:8000

clean:           ## remove what the targets made
	rm -rf $(VENV) out .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
