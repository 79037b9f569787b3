# Every target sets up what it needs; Python 3.11 or newer is all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export OTEL_SDK_DISABLED := true
# Commands and servers are started by the hundred: each would compile every package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## .venv from the lock, with every hash checked

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed; say which with make PYTHON=…")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)

.PHONY: demo
demo: $(READY) ## The main job on a generated company, from nothing to BOOKS AGREE
	@$(BIN)/qb-pipeline demo $(ARGS)

.PHONY: test
# A worker that dies fails the run at once: with `loadfile`, one in its place would be waited for without end.
test: lint ## Everything that must hold: lint, types, import contracts and all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart=0 $(ARGS)

.PHONY: lint
lint: $(READY) ## Formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Format and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: dev
dev: $(READY) ## Dagster UI, daemon and both sandboxes, until stopped
	@$(BIN)/qb-pipeline dev

.PHONY: bench
bench: $(READY) ## The benchmarks, each beside its limit or its peer
	@for each in qb_pipeline_tests/benchmarks/bench_*.py; do name=$$(basename $$each .py); echo "== $$name"; \
	  $(BIN)/python -m qb_pipeline_tests.benchmarks.$$name || exit 1; done

.PHONY: crashes
crashes: $(READY) ## A sync killed at every edge of its work, one after the other
	$(BIN)/python -m qb_pipeline_tests.benchmarks.soak crashes --processes 2 $(ARGS)

.PHONY: schedules
schedules: $(READY) ## Up to two and a half thousand schedules of edits, faults and crashes, the same ones every time
	$(BIN)/python -m qb_pipeline_tests.benchmarks.soak model --count 2500 --minutes 28 --processes 2 $(ARGS)

.PHONY: soak
soak: $(READY) ## Every crash edge and ten thousand schedules; ARGS="--processes 2 --minutes 60 --batch 41"
	$(BIN)/python -m qb_pipeline_tests.benchmarks.soak $(ARGS)

.PHONY: lock
lock: $(READY) ## Pin every package anew (no registry address ends up in the file)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --no-strip-extras --generate-hashes \
	  --no-emit-index-url --no-header --python-version 3.11 --quiet --output-file requirements.lock
	@sed -i '1i # Every package and its hashes, for Python 3.11 and newer on every platform; made by `make lock`.' requirements.lock

.PHONY: docs
docs: $(READY) ## The generated pages: .env.example and docs/entities.md, docs/exceptions.md
	$(BIN)/qb-pipeline env-example > .env.example
	$(BIN)/python -m qb_pipeline.entities.describe > docs/entities.md
	$(BIN)/python -m qb_pipeline.sync.situations > docs/exceptions.md

.PHONY: clean
clean: ## Remove the environment and what instances keep in .qb
	rm -rf $(VENV) .qb .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
