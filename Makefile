# `make demo` and `make test` set themselves up; PYTHON=python3.10 picks another interpreter.

PYTHON ?= python3
FUZZ_SECONDS ?= 20
# The suite waits as much as it computes, so one process more than there are processors; each starts its own emulator.
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(8, 1 + (os.cpu_count() or 1)))')
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
RUN := PYTHONPATH=handler $(VENV)/bin/python

# Every target with a line of help is a command, not a file.
.PHONY: $(shell sed -nE 's/^([a-z]+):.*## .*/\1/p' $(firstword $(MAKEFILE_LIST)))

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

# Long runs, beside the suite with every case.
NIGHTLY := coverage faults soak fuzz mutants memory scale
NIGHTLY += page installed packed platform senders leaks foreign

nightly: check ## all that takes long: the suite with every case, and every target of NIGHTLY in the Makefile; three hours
	@$(MAKE) --no-print-directory --keep-going PROFILE=nightly SOAK='--minutes 20' FUZZ_SECONDS=300 suite $(NIGHTLY)

emulator: $(VENV)/ready ## COS, SCF and CAM on this machine until Ctrl-C; EMULATOR='--bucket photos-1250000000@ap-guangzhou', or --help
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.emulator $(EMULATOR)

faults: $(VENV)/ready ## every fault at every operation, what was written and what was seen; six minutes
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.faults.table

soak: $(VENV)/ready ## made-up worlds against the laws and an oracle; SOAK='--minutes 60' SIMULATION='--minutes 60' for as long
	@$(RUN) -m tests.simulation.in_memory.soak $(SOAK)
	@$(RUN) -m tests.simulation.over_http.soak $(SIMULATION)

fuzz: $(VENV)/ready ## hostile input for every decoder, with atheris; FUZZ_SECONDS=600 for longer
	@$(RUN) -m tests.fuzz --seconds $(FUZZ_SECONDS)

installed: $(VENV)/ready ## the wheel: reproducible, whole, and at work in an empty environment; needs a registry
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

senders: $(VENV)/ready .node/ready .venv-senders/ready ## examples/ with other people's clients: Node, a browser, Kafka, tccli; two minutes
	@$(RUN) -m pytest --numprocesses $(PROCESSES) tests/senders/test_*.py tests/senders/in_*.py

leaks: $(VENV)/ready .node/ready .venv-senders/ready ## each claim of docs/client-leaks.md, with the client that it names; two minutes
	@$(RUN) -m pytest --numprocesses $(PROCESSES) tests/leaks/test_*.py tests/leaks/in_*.py

foreign: $(VENV)/ready .node/ready .venv-foreign/ready ## other people's clients on the emulator, and the function on moto, as a table; FOREIGN=rclone for one; three minutes
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.foreign $(FOREIGN)

# One by one: a client that cannot be installed takes no other with it.
.venv-foreign/ready: tests/foreign/requirements.txt
	@$(PYTHON) -m venv .venv-foreign
	@all=ready; for each in $$(sed '/^#/d' $<); do \
		.venv-foreign/bin/python -m pip install -qq --disable-pip-version-check "$$each" || \
			{ all=; echo "!!! NOT TESTED: $$each, because it could not be installed" >&2; }; \
	done; [ -z "$$all" ] || touch $@

.node/ready: tests/senders/package.json tests/senders/package-lock.json
	@if ! command -v npm >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; \
	fi
	@mkdir -p .node
	@cp $^ .node
	@cd .node && { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch ready; } || \
		echo "!!! NOT TESTED: clients in JavaScript, because their packages could not be installed" >&2

.venv-senders/ready: tests/senders/requirements.txt
	@$(PYTHON) -m venv .venv-senders
	@{ .venv-senders/bin/python -m pip install -qq --disable-pip-version-check --requirement $< && touch $@; } || \
		echo "!!! NOT TESTED: clients in Python beyond COS's SDK, because their packages could not be installed" >&2

picture: demo ## docs/report.png, the picture in the README, of the page that the demo leaves
	@$(RUN) -m tests.page.picture

recording: $(VENV)/ready ## docs/demo.cast, a recording of the demo for `asciinema play`
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.tools.recording

bench: $(VENV)/ready ## what an abort, a sweep, a page and a cold start cost, beside every peer and the limit; six minutes
	@$(RUN) -m tests.bench.speed $(BENCH)

memory: $(VENV)/ready ## peak memory of a sweep of 10,000 and of 1,000,000 uploads; about ten minutes
	@$(RUN) -m tests.bench.memory

small: $(VENV)/ready package ## cold start and speed of build/function.zip in 10 % of a core and 128 MB; SMALL='--percent 20 --megabytes 256' for others
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.bench.small $(SMALL)

packed: $(VENV)/ready package ## build/function.zip on a machine like SCF's, and built by every Python here; NOTHING_SKIPPED=1 fails without root
	@$(RUN) -m pytest -vv --no-header --numprocesses $(PROCESSES) tests/packed/built.py
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.packed.sandbox \
		$(if $(NOTHING_SKIPPED),--required) $(VENV)/bin/python -B -m pytest -vv --no-header -p no:cacheprovider tests/packed/as_on_scf.py

platform: $(VENV)/ready package ## serverless.yml and the package through the platform's own tools, from npm and PyPI; one minute
	@if ! command -v npm >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; \
	fi
	@$(RUN) -m tests.packed.tools
	@PYTHONPATH=handler:. $(VENV)/bin/python -m pytest -vv --no-header tests/packed/through_the_platform.py

scale: $(VENV)/ready ## a sweep of a million uploads on 1, 2, 4 and 8 instances; SCALE='--uploads 20000' for less
	@$(RUN) -m tests.bench.scale $(SCALE)

verify: $(VENV)/ready ## what docs/facts.md relies on, against a real bucket: BUCKET=name-appid REGION=ap-guangzhou; it asks first
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.verify --bucket '$(BUCKET)' --region '$(REGION)' \
		$(if $(YES),--yes) $(if $(JSON),--json) $(if $(FUNCTION),--function '$(FUNCTION)') \
		$(if $(MARKDOWN),--markdown '$(MARKDOWN)') $(if $(CLEAN),--clean '$(CLEAN)') $(if $(MONITOR),--monitor '$(MONITOR)') \
		$(foreach name,$(ONLY),--only '$(name)')

contract: $(VENV)/ready ## the tests that every store passes, against a real bucket: BUCKET=name-appid REGION=ap-guangzhou
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.verify --bucket '$(BUCKET)' --region '$(REGION)' --ready
	CONTRACT_BUCKET='$(BUCKET)@$(REGION)' $(RUN) -m pytest -s tests/unit/cos/test_store.py -k 'real or given'

format: $(VENV)/ready ## put the code in the house's shape
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

$(VENV)/ready: requirements.txt tests/requirements.txt
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement requirements.txt
	@# pip would complain that the SDK lacks pycryptodome, which nothing loads.
	@$(RUN) -m pip install -qq --disable-pip-version-check --no-warn-conflicts --requirement tests/requirements.txt
	@touch $@

audit: .venv-audit/ready ## whether anything that is deployed has a known vulnerability
	@.venv-audit/bin/python -m tests.tools.audit

workflows: .venv-audit/ready ## whether .github/workflows follow the schema and hold no known weakness
	@.venv-audit/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv-audit/bin/zizmor --offline --no-progress --quiet .github/workflows

sbom: .venv-audit/ready ## build/sbom.json, what is deployed, as CycloneDX
	@mkdir -p build
	@.venv-audit/bin/cyclonedx-py requirements requirements.txt --output-file build/sbom.json
	@echo "build/sbom.json: $$(grep -c '"purl"' build/sbom.json) packages"

lock: .venv-audit/ready ## the hashes in requirements.txt and tests/tools/package.txt, after a version was changed there
	@.venv-audit/bin/python -m tests.tools.lock

.venv-audit/ready: tests/tools/audit.txt
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install -qq --disable-pip-version-check --requirement tests/tools/audit.txt
	@touch $@

package: ## build/function/, which is what `serverless.yml` deploys, and the same as build/function.zip; needs a Python 3.10
	@$(PYTHON) -m tests.tools.package

release: $(VENV)/ready package wheel sbom ## build/release/: zip, wheel, SBOM, notes and checksums; TAG=v0.9.0 must be the version's
	@PYTHONPATH=handler:. $(VENV)/bin/python -m tests.tools.release $(TAG)

# The operator's part. docs/deploying.md has the steps. PACKAGE= deploys what was built before.
PACKAGE ?= package
POLICY = $(RUN) -m cos_sweeper policy --serverless serverless.yml $(if $(UIN),--uin '$(UIN)') $(if $(APPID),--appid '$(APPID)')

policy: $(VENV)/ready ## deploy/policy.json, and the calls that create the role; UIN=account id; UPDATE=1: the role is there
	@$(POLICY) --only policy 2>/dev/null > deploy/policy.json.new || { rm deploy/policy.json.new; $(POLICY) --only policy; }
	@mv deploy/policy.json.new deploy/policy.json
	@$(POLICY) --tccli $(if $(UPDATE),--update)

deploy: $(VENV)/ready ## checks .env and serverless.yml, builds the package and deploys it with `scf deploy`
	@$(RUN) -m cos_sweeper policy --serverless serverless.yml --check deploy/policy.json
	@deploy/scf.sh --version >/dev/null
	@[ -z "$(PACKAGE)" ] || $(MAKE) --no-print-directory $(PACKAGE)
	deploy/scf.sh deploy

invoke: ## sends one event to the deployed function: EVENT=file.json or EVENT='{"inventory": true}'
	@deploy/event.sh build/event.json
	deploy/scf.sh invoke --path build/event.json

# As it was typed: a `$` in it is none of make's.
override EVENT := $(value EVENT)
export EVENT SCF

wheel: ## build/cos_sweeper-….whl, the terminal command for `pipx install`; the same bytes from the same sources
	@rm -rf build/wheel build/cos_sweeper-*.whl
	@mkdir -p build/wheel
	@# A copy: setuptools leaves its folders beside the sources, and what is in them from earlier gets into the wheel.
	@cp -R handler pyproject.toml LICENSE build/wheel
	@find build/wheel -depth \( -name __pycache__ -o -name '*.egg-info' \) -exec rm -rf {} +
	@chmod -R u=rwX,go=rX build/wheel
	@umask 022 && SOURCE_DATE_EPOCH=315532800 $(PYTHON) -m pip --disable-pip-version-check --quiet wheel --no-deps \
		--wheel-dir build build/wheel
	@rm -r build/wheel
	@echo "pipx install '$$(echo build/cos_sweeper-*.whl)[cli]'"

clean: ## remove what was set up and built
	rm -rf .venv-* .node build .mypy_cache .pytest_cache .ruff_cache .hypothesis
