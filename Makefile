# `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo run test check bench sim migrate vendor messages format clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-9s %s\n", $$1, $$2}'

.venv/runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Voltdesk needs Python 3.11 or newer; set PYTHON=…")'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@echo "Installing what Voltdesk stands on (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/tools: requirements-dev.txt .venv/runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/runtime ## a whole demo world with chargers that charge: web on :8000, OCPP on :9000
	@exec $(BIN)/python start.py --demo

run: .venv/runtime ## the same processes on your own database (first login: flask user create)
	@exec $(BIN)/python start.py

migrate: .venv/runtime ## bring the database's schema up to date
	@$(BIN)/alembic upgrade head

sim: .venv/runtime ## simulated chargers, e.g. make sim ARGS="--url ws://localhost:9000 --device-id X --password Y"
	@exec $(BIN)/python -m simulator $(ARGS)

test: .venv/tools ## every test, on SQLite and PostgreSQL, with a browser where there is one
	@$(BIN)/python -m pytest -n 4 --dist worksteal -rsR

check: .venv/tools ## what must hold before a change lands: lint, types, layers, templates, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates --lint --quiet
	@$(MAKE) --no-print-directory test

bench: .venv/tools ## measure, and write bench/results.md
	@$(BIN)/python -m bench

vendor: ## fetch the vendored front-end files again (needs npm)
	@$(PYTHON) tools/vendor.py

messages: .venv/runtime ## bring new sentences of drivers' pages into translations/
	@$(BIN)/python tools/messages.py

format: .venv/tools ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean: ## remove the virtual environment and the demo's database; your own stays
	@rm -rf .venv instance/demo
