# `make demo` and `make test` set themselves up; PYTHON=python3.10 picks another interpreter.

PYTHON ?= python3
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
RUN := $(VENV)/bin/python

.PHONY: demo test check format package clean help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

demo: $(VENV)/ready ## the real handler against a COS on this machine, in about a minute
	@$(RUN) -m tests.cloud.demo

test: check ## all that CI runs: ruff, mypy, the tests
	$(RUN) -m pytest

check: $(VENV)/ready
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: $(VENV)/ready ## put the code in the house's shape
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

$(VENV)/ready: requirements.txt tests/requirements.txt
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

clean: ## remove what was set up and built
	rm -rf .venv-* build .mypy_cache .pytest_cache .ruff_cache .hypothesis
