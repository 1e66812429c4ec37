# Everything runs in an environment of its own, .venv, made from pyproject.toml and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
EXTRAS := starlette,django,flask,redis,postgres,httpx2,monite,emulator,cli,otel

.PHONY: help demo demo-django demo-flask react test test-fast test-coverage test-matrix lint docs facts conformance chaos bench release-check servers clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 15

demo: .venv/demo ## start a local Monite and the example partner app, and print where they are
	@$(BIN)/python -m examples.demo

demo-django: .venv/demo ## the same with the example app for Django
	@$(BIN)/python -m examples.demo --app django

demo-flask: .venv/demo ## the same with the example app for Flask
	@$(BIN)/python -m examples.demo --app flask

REACT := examples/shared/static/react/office.js

react: $(REACT) ## build the example apps' pages of Monite's React SDK, with npm

# Built in a copy, so that 400 MB of packages lie in one place that is no part of the examples.
$(REACT): examples/react/package.json examples/react/package-lock.json examples/react/.npmrc examples/react/office.jsx
	@if command -v npm >/dev/null; then echo "Building the pages of Monite's React SDK (about a minute) …"; \
	mkdir -p build/react && cp $^ build/react && cd build/react && npm ci --silent && npm run --silent build; \
	else echo "npm is not here, so there are no pages of Monite's React SDK, and their tests will be skipped."; fi

ARGS ?=

test: .venv/dev servers react ## run the whole suite, or a part: ARGS="tests/stores -k fence -x"
	@$(BIN)/python -m pytest $(ARGS)

test-fast: .venv/dev ## a first answer in less than two minutes: the core and the stores, without what is slow or needs Redis or PostgreSQL
	@$(BIN)/python -m pytest -m "not slow and not redis and not postgres and not browser" tests/core tests/stores tests/data tests/toys $(ARGS)

test-coverage: .venv/dev servers react ## run the whole suite on both cores, and print how much of the core it covers
	@.ci/tests

test-matrix: .venv/dev servers ## the adapters on the built wheel, with the oldest and newest Pythons and frameworks
	@.ci/matrix

lint: .venv/dev ## style, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: .venv/docs ## build the documentation as a site, in build/docs; warnings are errors
	@$(BIN)/python -m sphinx --quiet --fresh-env --nitpicky --fail-on-warning --keep-going docs build/docs
	@echo "The site is in build/docs/index.html."

# Monite's OpenAPI document is not in the repository. The judge's cases are made in the same order each time: no hash is random.
SPEC ?= $(firstword $(wildcard monite-openapi.json ../monite-openapi.json ../shared/monite-openapi.json))
export SPEC

conformance: .venv/dev ## judge the emulator, and what tests take for granted, by Monite's OpenAPI document, where that is at hand; SPEC=path ARGS="--examples 100"
	@if [ -n "$(SPEC)" ]; then $(MAKE) --no-print-directory .venv/conformance && export PYTHONHASHSEED=0 \
	&& $(BIN)/python -m pytest tests/conformance/planted.py tests/data tests/emulator/test_schema.py && $(BIN)/python -m tests.conformance "$(SPEC)" $(ARGS); \
	else echo "No conformance run: Monite's OpenAPI document is not at hand. Name it: make conformance SPEC=path/to/monite-openapi.json"; fi

facts: .venv/dev ## write down again what tests need of Monite's OpenAPI document; SPEC=path/to/monite-openapi.json
	@test -n "$(SPEC)" || { echo "Name Monite's OpenAPI document: make facts SPEC=path/to/monite-openapi.json"; exit 2; }
	@$(BIN)/python -m tests.data.specification $(SPEC)

SECONDS ?= 600
STORE ?= redis

chaos: .venv/dev servers ## inject faults into workers, store and Monite for ten minutes; SECONDS=… STORE=redis|cluster|sqlite|postgres
	@$(BIN)/python -m tests.chaos --seconds $(SECONDS) --store $(STORE)

bench: .venv/bench servers ## measure, print tables and ratios, write JSON and plots to build/benchmarks; ARGS="hits peers", ARGS=--smallest
	@$(BIN)/python -m benchmarks $(ARGS)

release-check: .venv/release servers ## build the wheel and the sdist, and try them as a newcomer would; ARGS="release/test_artifacts.py"
	@$(BIN)/python -m pytest $(or $(ARGS),release)

servers: ## install redis-server, PostgreSQL, faketime, chromium and npm from Debian's packages, where that is allowed
	@.ci/servers

clean: ## remove the environment and what tools left behind
	rm -rf .venv build dist examples/shared/static/react .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .grimp_cache

.venv/base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("monite-auth needs Python 3.11 or newer; name one with make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@echo "Making the environment in .venv (about a minute) …"
	@$(PYTHON) -m venv --clear .venv
	@$(INSTALL) --upgrade pip
	@touch $@

.venv/demo: .venv/base
	@$(INSTALL) --editable '.[$(EXTRAS)]' --group examples
	@touch $@

.venv/dev: .venv/demo
	@$(INSTALL) --group dev
	@touch $@

.venv/docs: .venv/dev
	@$(INSTALL) --group docs
	@touch $@

.venv/conformance: .venv/dev
	@$(INSTALL) --group conformance
	@touch $@

.venv/bench: .venv/dev
	@$(INSTALL) --group benchmarks --group peers
	@touch $@

.venv/release: .venv/dev
	@$(INSTALL) --group release
	@touch $@
