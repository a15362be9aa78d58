# certgate: every command a developer needs. `make run` and `make test` start from nothing.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.development
# What the tests compare with, drive or build with: the real browser, proxy and command line tools.
PACKAGES := chromium curl default-jre-headless gcc haproxy libc6-dev libnss3-tools libssl-dev \
  nginx-light openssl
TOOLS := chromium curl gcc certutil haproxy keytool nginx openssl

.PHONY: run test check lint types layers tests wheel bench tools clean

run: $(INSTALLED)
	@$(BIN)/certgate up

# What CI runs. `make test` is all of it, so that nothing is green here and red there.
test: lint types layers tests wheel
check: test

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

layers: $(DEVELOPMENT)
	PYTHONPATH=. $(BIN)/lint-imports

tests: $(DEVELOPMENT) tools
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=
	$(BIN)/coverage combine --quiet --append 2>/dev/null || true
	$(BIN)/coverage report --fail-under=95
	$(BIN)/coverage report --fail-under=100 \
	  --include='proxy/http1/*,proxy/identity/*,proxy/access/*,proxy/routing/*,proxy/forward/*'

# The flat layout lets the checkout's own folder be imported: the wheel is tested from elsewhere.
wheel: $(DEVELOPMENT)
	rm -rf dist $(VENV)/wheel
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null
	$(PYTHON) -m venv $(VENV)/wheel
	$(VENV)/wheel/bin/pip install --quiet --disable-pip-version-check dist/*.whl
	tests/wheel/check.sh "$(CURDIR)/$(VENV)/wheel/bin"

bench: $(INSTALLED) tools
	$(BIN)/python -m bench

tools:
	@tests/tools.sh '$(PACKAGES)' '$(TOOLS)'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "certgate needs Python 3.11 or newer; say which: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "no venv for $(PYTHON); on Debian: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(INSTALLED): pyproject.toml $(VENV)/bin/python
	@echo "installing certgate into $(VENV)/ (once; it takes a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEVELOPMENT): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --disable-pip-version-check --group dev
	@touch $@

clean:
	rm -rf $(VENV) dist .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
