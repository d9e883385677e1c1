# `make demo` and `make test` set themselves up; PYTHON=python3.10 picks another interpreter.

PYTHON ?= python3
FUZZ_SECONDS ?= 20
# The suite waits as much as it computes, so one process more than there are processors; each starts its own emulator.
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(8, 1 + (os.cpu_count() or 1)))')
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
RUN := PYTHONPATH=handler $(VENV)/bin/python

.PHONY: demo test suite coverage check nightly page picture faults soak fuzz mutants bench memory scale audit sbom lock format package wheel installed clean help

help: ## this list
	@sed -nE 's/^([a-z]+):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## the real handler against a COS on this machine, in half a minute
	@$(RUN) -m tests.emulator.demo

test: check suite ## all that CI runs: ruff, mypy, the tests

suite: $(VENV)/ready ## the tests alone, on PROCESSES processes; PROFILE=nightly runs every case and 20 times as many examples
	TEST_PROFILE=$(PROFILE) $(RUN) -m pytest --numprocesses $(PROCESSES) --dist worksteal

coverage: $(VENV)/ready ## the tests with the branches of handler/ that they take, 97 % at least
	TEST_PROFILE=usual $(RUN) -m pytest --numprocesses $(PROCESSES) --dist worksteal --cov

check: $(VENV)/ready ## ruff, mypy and the import contracts alone
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	PYTHONPATH=handler:. $(VENV)/bin/lint-imports --no-logo --cache-dir $(VENV)/import-linter

nightly: check ## all that takes long: the suite with every case, coverage, the wheel, faults, soak, fuzz, mutants, memory, scale, page; two hours
	@$(MAKE) --no-print-directory --keep-going PROFILE=nightly SOAK='--minutes 20' FUZZ_SECONDS=300 \
		suite coverage installed faults soak fuzz mutants memory scale page

faults: $(VENV)/ready ## every fault at every operation, what was written and what was seen; six minutes
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.faults.table

soak: $(VENV)/ready ## made-up worlds against the laws and an oracle; SOAK='--minutes 60' SIMULATION='--minutes 60' for as long
	@$(RUN) -m tests.simulation.in_memory.soak $(SOAK)
	@$(RUN) -m tests.simulation.over_http.soak $(SIMULATION)

fuzz: $(VENV)/ready ## hostile input for every decoder, with atheris; FUZZ_SECONDS=600 for longer
	@$(RUN) -m tests.fuzz --seconds $(FUZZ_SECONDS)

installed: $(VENV)/ready ## the wheel and the zip: reproducible, whole, and at work in an empty environment; needs a registry
	@$(RUN) -m pytest --numprocesses $(PROCESSES) tests/tools/installed.py

mutants: $(VENV)/ready ## breaks every guard of the modules that only decide, one at a time, and says which no unit test notices
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.mutants $(MUTANTS)

page: $(VENV)/ready ## report.html in a real Chromium, which it installs where it may; PAGES=folder for pictures of every state
	@if ! $(RUN) -m tests.page.browser && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; \
	fi
	@if $(RUN) -m tests.page.browser; then \
		$(RUN) -m pytest --numprocesses $(PROCESSES) tests/page/in_browser.py; \
		[ -z "$(PAGES)" ] || $(RUN) -m tests.page.look $(PAGES); \
	else \
		echo "!!! NOT TESTED: report.html, because this machine has no Chromium; install one, or set CHROMIUM" >&2; \
	fi

picture: demo ## docs/report.png, the picture in the README, of the page that the demo leaves
	@$(RUN) -m tests.page.picture

bench: $(VENV)/ready ## what an abort, a sweep, a page and a cold start cost, beside every peer and the limit; six minutes
	@$(RUN) -m tests.bench.speed $(BENCH)

memory: $(VENV)/ready ## peak memory of a sweep of 10,000 and of 1,000,000 uploads; about ten minutes
	@$(RUN) -m tests.bench.memory

scale: $(VENV)/ready ## a sweep of a million uploads on 1, 2, 4 and 8 instances; SCALE='--uploads 20000' for less
	@$(RUN) -m tests.bench.scale $(SCALE)

format: $(VENV)/ready ## put the code in the house's shape
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

$(VENV)/ready: requirements.txt tests/requirements.txt
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement requirements.txt
	@$(RUN) -m pip install -qq --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

audit: .venv-audit/ready ## whether anything that is deployed has a known vulnerability
	@.venv-audit/bin/python -m tests.tools.audit

sbom: .venv-audit/ready ## build/sbom.json, what is deployed, as CycloneDX
	@mkdir -p build
	@.venv-audit/bin/cyclonedx-py requirements requirements.txt --output-file build/sbom.json
	@echo "build/sbom.json: $$(grep -c '"purl"' build/sbom.json) packages"

lock: .venv-audit/ready ## the hashes in requirements.txt, after a version was changed there
	@.venv-audit/bin/python -m tests.tools.lock

.venv-audit/ready: tests/tools/audit.txt
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install -qq --disable-pip-version-check --requirement tests/tools/audit.txt
	@touch $@

# SCF's machine, whatever this one is. Nothing may be compiled here: it would fit this Python, not that one.
TARGET := --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --python-version 3.10 --implementation cp \
	--only-binary :all:
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet

package: ## build/function/, which is what `serverless.yml` deploys, and the same as build/function.zip
	@rm -rf build/function build/function.zip build/wheels build/crcmod.txt build/others.txt
	@mkdir -p build
	@# crcmod has no wheel. Where its C part does not compile it does without, and fits every machine.
	@sed -n '/^crcmod==/,/[^\\]$$/p' requirements.txt > build/crcmod.txt
	@CC=false $(PIP) wheel --no-cache-dir --use-pep517 --no-deps --no-binary crcmod --wheel-dir build/wheels \
		--require-hashes --requirement build/crcmod.txt
	@# No dependencies of dependencies: requirements.txt names them all, and nothing unpinned may slip in.
	@sed '/^crcmod==/,/[^\\]$$/d' requirements.txt > build/others.txt
	@$(PIP) install $(TARGET) --no-deps --no-compile --target build/function --require-hashes \
		--requirement build/others.txt
	@$(PIP) install $(TARGET) --no-deps --no-compile --target build/function build/wheels/crcmod-*.whl
	@cp -R handler/* build/function
	@# The role's policy is for the person who deploys and for the tests: the function never imports it.
	@rm build/function/cos_sweeper/scf/cam_policy.py
	@rm build/function/cos_sweeper/report/record_reader.py
	@# So is the terminal command.
	@rm -r build/function/cos_sweeper/cli build/function/cos_sweeper/__main__.py
	@# Not needed to run, or different on every machine. What is left of *.dist-info: licences, and what is in here.
	@find build/function -depth \( -name '.*' -o -name '*.egg-info' -o -name __pycache__ -o -name tests -o -path '*/Crypto/SelfTest' \
		-o -path build/function/bin -o -path build/function/include -o -path '*.dist-info/RECORD' -o -path '*.dist-info/INSTALLER' \
		-o -path '*.dist-info/REQUESTED' -o -path '*.dist-info/direct_url.json' -o -name '*.[ch]pp' -o -name '*.h' \
		-o -name '*.py[xi]' -o -name '*.pxd' \) -exec rm -rf {} +
	@# Byte code of SCF's Python, if there is one here, halves a cold start: nothing can be written on SCF's machine.
	@for python in $(PYTHON) python3.10; do \
		if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null; then \
			PYTHONHASHSEED=0 exec $$python -m compileall -q --invalidation-mode unchecked-hash build/function; \
		fi; \
	done; echo "no Python 3.10 here: without its byte code every cold start takes twice as long" >&2
	@# SCF runs as another user. One time stamp for all, so that the same sources make the same zip.
	@chmod -R u=rwX,go=rX build/function
	@find build/function -exec touch -t 198001010000 {} +
	@cd build/function && export LC_ALL=C && $(PYTHON) -m zipfile -c ../function.zip *
	@$(PYTHON) -c 'import os, zipfile; path = "build/function.zip"; \
		size = sum(entry.file_size for entry in zipfile.ZipFile(path).infolist()); \
		print(f"build/function: {size / 1e6:.1f} MB unpacked, {os.path.getsize(path) / 1e6:.1f} MB zipped")'

wheel: ## build/cos_sweeper-….whl, the terminal command for `pipx install`; the same bytes from the same sources
	@rm -rf build/wheel build/cos_sweeper-*.whl
	@mkdir -p build/wheel
	@# A copy: setuptools leaves its folders beside the sources, and what is in them from earlier gets into the wheel.
	@cp -R handler pyproject.toml LICENSE build/wheel
	@find build/wheel -depth \( -name __pycache__ -o -name '*.egg-info' \) -exec rm -rf {} +
	@chmod -R u=rwX,go=rX build/wheel
	@umask 022 && SOURCE_DATE_EPOCH=315532800 $(PIP) wheel --no-deps --wheel-dir build build/wheel
	@rm -r build/wheel
	@echo "pipx install '$$(echo build/cos_sweeper-*.whl)[cli]'"

clean: ## remove what was set up and built
	rm -rf .venv-* build .mypy_cache .pytest_cache .ruff_cache .hypothesis
