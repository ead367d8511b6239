# Everything lands in .venv and .cache. A second run installs and fetches nothing.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test check format contracts bench audit-deps pin clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: .venv/ready ## start a real Kafka, a worker and the sink, play the Nordlys story, show what became of it
	@$(BIN)/billfold demo

test: check ## everything: check, then the tests that take longer, most of them on a real Kafka
	$(BIN)/pytest -n $(WORKERS) -m 'kafka or slow'

check: .venv/ready ## format, lint, types and the quick tests, which need no server
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS) -m 'not kafka and not slow' -q

format: .venv/ready ## format the code and sort its imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

contracts: .venv/ready ## write the Avro contracts from the words in schemas/
	$(BIN)/billfold contracts write

bench: .venv/ready ## print one table: the worker beside a plain loop on the same broker
	$(BIN)/python -m bench

audit-deps: .venv/ready ## look the pinned versions up among known vulnerabilities
	test -x .cache/audit/bin/pip-audit || { $(PYTHON) -m venv .cache/audit && .cache/audit/bin/pip install -q pip-audit==2.10.1; }
	.cache/audit/bin/pip-audit --no-deps --disable-pip -r constraints.txt

pin: .venv/ready ## write the digests of Kafka and the registry anew, after a version was changed
	$(BIN)/python -m compose.java kafka registry

clean: ## remove the environment and everything that was fetched or built
	rm -rf .venv .cache .hypothesis *.egg-info build dist

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@test -x $(BIN)/python || { echo "Making the environment in .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing the pinned dependencies, about a minute the first time"
	$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@
