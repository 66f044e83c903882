# Two commands on a fresh machine: `make demo` and `make test`. Both install what they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help install demo test lint lock schemas clean

help:
	@echo "make demo     the main job, end to end, on this machine; ARGS=--once ends by itself"
	@echo "make test     all tests; ARGS=\"tests/checker -k bits\" for some of them"
	@echo "make lint     ruff, mypy --strict, the import rule"
	@echo "make install  pagewarden and the development tools into $(VENV)"
	@echo "make schemas  write config/schemas/ again from the models"
	@echo "make lock     pin the dependencies again"
	@echo "make clean    remove $(VENV) and what the tools left behind"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pagewarden needs Python 3.11 or newer; say PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

# The demo runs on the locked runtime alone; tests and lint add the tools.
$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo "installing pagewarden into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "installing the development tools into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed-dev

demo: $(VENV)/.installed
	@$(BIN)/pagewarden demo $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

schemas: $(VENV)/.installed
	$(BIN)/python -m checker.schemas
	$(BIN)/python -m workers.stress.schemas
	$(BIN)/python -m workers.build.schemas

lock: $(VENV)/.installed-dev
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
