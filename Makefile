# One environment, .venv, serves every target. Everything in it comes from the hashed lock in requirements/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
LOCK := $(BIN)/pip-compile --quiet --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--generate-hashes --strip-extras --allow-unsafe
INSTALLED := .venv/installed

.PHONY: help install test browser lint format coverage docs release accuracy demo wheelhouse lock dist clean

help:
	@echo "make demo        audit this repository and a foreign one; train a small model and check the run"
	@echo "make demo LONG=1 replay that run too, and fine-tune a 135M model with adapters"
	@echo "make test        run all tests"
	@echo "make browser     fetch what the tests of the HTML report need, beside Chromium and node"
	@echo "make lint        ruff, mypy, import contracts"
	@echo "make format      let ruff rewrite what it can"
	@echo "make coverage    run all tests and show the lines that none of them reached"
	@echo "make docs        build the documentation into build/site; a dead link fails"
	@echo "make release     say whether a release may go out, after make test"
	@echo "make accuracy    fetch the labelled repositories and compare verdicts with their labels"
	@echo "make wheelhouse  fill wheelhouse/ with all that test and demo install"
	@echo "make lock        write requirements/*.txt anew from pyproject.toml"
	@echo "make dist        build the wheel and the source distribution into dist/"
	@echo "make clean       remove what these targets made, but not wheelhouse/"

install: $(INSTALLED)

$(INSTALLED): requirements/dev.txt requirements/torch.txt pyproject.toml codex_audit/__init__.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

test: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --junitxml=build/junit.xml \
		--cov --cov-report=json:build/coverage.json --cov-report=

browser: tests/browser/node_modules

tests/browser/node_modules: tests/browser/package-lock.json
	npm ci --loglevel=error --no-fund --prefix tests/browser
	@touch $@

release: install
	$(BIN)/codex-audit release-check --profile release.yaml --markdown build/release/checklist.md

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: test
	$(BIN)/coverage report

docs: install
	$(BIN)/python -m zensical build --strict

accuracy: install
	$(BIN)/python -m benchmarks.accuracy --wrong

demo: install
	$(BIN)/python scripts/demo.py
	$(BIN)/python -m scripts.demo_train $(if $(LONG),--long)

wheelhouse: install
	$(BIN)/python -m pip download --quiet --no-deps --dest wheelhouse -r requirements/torch.txt
	$(BIN)/python -m pip download --quiet --no-deps --require-hashes --dest wheelhouse -r requirements/dev.txt
	$(BIN)/python scripts/demo.py --download-to wheelhouse
	$(BIN)/python -m scripts.demo_train --download-to wheelhouse
	@echo "wheelhouse/ is filled: PIP_NO_INDEX=1 PIP_FIND_LINKS=wheelhouse make demo test"

lock: install
	$(LOCK) --output-file requirements/run.txt pyproject.toml
	$(BIN)/python -m dependency_groups dev | $(LOCK) --constraint requirements/torch.txt --extra train --extra eval --extra scan \
		--extra gguf --extra plots --output-file requirements/dev.txt pyproject.toml -
	$(BIN)/python scripts/lock_torch_apart.py requirements/dev.txt

dist: install
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf .cache .venv build dist demo .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
