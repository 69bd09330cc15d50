# Everything runs in .venv, which is made here. `make help` lists the targets.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
# The first that exists and is new enough; `make test PYTHON=...` names another.
PYTHON :=
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
CHECKED := src tests $(wildcard bench)
ARGS :=

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r target text; do \
		printf '  make %-8s %s\n' "$$target" "$$text"; done

demo: $(VENV)/.installed ## three agents work through a small project together, on your screen
	@$(BIN)/postroom demo $(ARGS)

test: lint types imports unit ## everything that CI checks

lint: $(VENV)/.installed-test ## ruff: rules and format
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)

types: $(VENV)/.installed-test ## mypy, strict
	$(BIN)/mypy $(CHECKED)

imports: $(VENV)/.installed-test ## who may import whom
	$(BIN)/lint-imports

unit: $(VENV)/.installed-test ## pytest; ARGS="-k name -n 0" chooses
	$(BIN)/pytest $(ARGS)

coverage: $(VENV)/.installed-test ## the same with what it covers, also in the programs that tests start: takes twice as long
	$(BIN)/pytest --cov --cov-report=term $(ARGS)

docs: $(VENV)/.installed ## write the generated pages
	mkdir -p docs
	$(BIN)/postroom limits --markdown > docs/limits.md.new && mv docs/limits.md.new docs/limits.md

format: $(VENV)/.installed-test ## let ruff repair what it can
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

bench: ## compare with Redis, NATS, ZeroMQ and HTTP on this machine
	bench/run $(ARGS)

clean: ## remove everything that was made here
	rm -rf $(VENV) .bench .programs bench/results .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist

# Written in sh, as nothing is installed yet.
$(BIN)/python:
	@found= ; \
	for candidate in $(CANDIDATES); do \
		"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		found="$$candidate"; \
		"$$candidate" -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$candidate."; \
		rm -rf $(VENV); \
		"$$candidate" -m venv $(VENV) && exit; \
		rm -rf $(VENV); \
		exit 1; \
	done; \
	if [ -n "$$found" ]; then \
		echo "$$found has no venv or ensurepip module. On Debian and Ubuntu: apt install python3-venv." >&2; \
	else \
		echo "Postroom needs Python 3.11 or newer; tried: $(CANDIDATES)." >&2; \
	fi; \
	exit 1

$(VENV)/.installed: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $(VENV)/.installed $@

.PHONY: help demo test lint types imports unit coverage docs format bench clean
