# Everything a developer or a first user types. `make` alone prints the list.
# Presumed: git, make, bash and a Python of at least 3.11. PYTHON=python3.12 chooses another.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install demo prefect-demo prefect-automations test test-long check bench docs docs-tables lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL_LOG := $(VENV)/install.log
# A file's tests share servers, so that a file stays with one process.
TEST := $(BIN)/python -m pytest -n auto --dist loadfile
PYTEST_ARGS ?=
LOCK_ARGS ?=

# This is learners' data: nothing that runs here reports its use to anybody.
export RUNTIME__DLTHUB_TELEMETRY := false
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## print this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | while IFS= read -r line; do \
	    printf '  make %-19s %s\n' "$${line%%:*}" "$${line#*## }"; done

install: $(STAMP) ## make .venv with everything in it; the command is .venv/bin/lms
	@echo "Ready: $(BIN)/lms"

demo: $(STAMP) ## install, then run the main job against the sandbox: no account needed
	@$(BIN)/lms demo

prefect-demo: $(STAMP) ## start a Prefect server and worker, deploy, run every deployment against the sandbox, end
	@$(BIN)/python -m flows.demo

prefect-automations: $(STAMP) ## make the automation that marks runs without a heartbeat, on the server of PREFECT_API_URL
	@$(BIN)/prefect automation create --from-file flows/automations/crash-zombies.yaml

test: $(STAMP) ## install, then run the tests (PYTEST_ARGS="-k name" chooses some)
	@$(TEST) $(PYTEST_ARGS)

test-long: $(STAMP) ## run every test, those that take minutes as well, with more random examples
	@HYPOTHESIS_PROFILE=long $(TEST) -m "long or not long" $(PYTEST_ARGS)

check: $(STAMP) ## what CI runs: format, lint, types, import rules, SQL, then the same tests
	@echo "format" && $(BIN)/ruff format --check --quiet .
	@echo "lint" && $(BIN)/ruff check --quiet .
	@echo "types" && $(BIN)/mypy --no-error-summary
	@echo "import rules" && { rules=$$($(BIN)/lint-imports 2>&1) || { echo "$$rules"; exit 1; }; }
	@echo "SQL" && { found=$$($(BIN)/sqlfluff lint --dialect duckdb dbt_project 2>&1) || { echo "$$found"; exit 1; }; }
	@echo "tests" && $(TEST) $(PYTEST_ARGS)

bench: $(STAMP) ## measure: bytes to rows, the mapper alone, memory, side by side with others
	@$(BIN)/python -m tests.bench

docs: $(STAMP) ## build dbt's site of models, columns and lineage: build/docs/site/static_index.html
	@echo "demo" && { said=$$($(BIN)/lms demo --folder build/docs 2>&1) || { echo "$$said" >&2; exit 1; }; }
	@echo "site" && { said=$$(cd dbt_project && DESTINATION__DUCKDB__CREDENTIALS=../build/docs/demo.duckdb \
	    ../$(BIN)/dbt docs generate --static --target-path ../build/docs/site --log-path ../build/docs/logs 2>&1) \
	    || { echo "$$said" >&2; exit 1; }; }
	@echo "build/docs/site/static_index.html"

docs-tables: $(STAMP) ## write anew what the documents take from the code: tables, columns, coverage
	@$(BIN)/python -m tests.unit.house.generate_docs

# Without --upgrade the versions pinned before stay, as far as pyproject.toml still allows them.
lock: ## write requirements.lock anew from pyproject.toml (LOCK_ARGS=--upgrade takes newer versions)
	@uv=$$(command -v uv) || { uv=.uv/bin/uv; [ -x $$uv ] || { $(PYTHON) -m venv .uv && .uv/bin/pip install -q uv; }; }; \
	$$uv pip compile --quiet --universal --no-emit-index-url --all-extras --custom-compile-command "make lock" \
	    $(LOCK_ARGS) --output-file requirements.lock pyproject.toml
	@echo "requirements.lock pins $$(grep -c '==' requirements.lock) packages"

clean: ## remove .venv and everything that tools have left behind
	@rm -rf $(VENV) .uv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
	@echo "clean"

# pip's own output goes to a log, which is shown when the installation fails; the terminal gets a line now and then.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1 || true); Python 3.11 or newer is needed:" \
	         "make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "Installing python3-venv, which Debian keeps apart from Python"; \
	        { apt-get update -qq || true; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >/dev/null; \
	    else \
	        echo "make: $(PYTHON) cannot make virtual environments. On Debian or Ubuntu run this once:" \
	             "sudo apt-get install python3-venv" >&2; exit 1; \
	    fi; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "Making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(VENV); fi
	@total=$$(grep -c '==' requirements.lock); echo "Installing up to $$total packages (a minute or two the first time)"; \
	{ $(BIN)/python -m pip install --progress-bar off -r requirements.lock && \
	  $(BIN)/python -m pip install --progress-bar off --no-deps --no-build-isolation --editable .; } 2>&1 \
	    | tee $(INSTALL_LOG) \
	    | { n=0; while read -r first second _; do \
	          case "$$first $$second" in \
	            Collecting*|Processing*) n=$$((n + 1)); [ $$((n % 40)) -ne 0 ] || echo "  $$n fetched" ;; \
	            "Installing collected") [ $$n -eq 0 ] || echo "  unpacking"; n=0 ;; \
	          esac; done; } \
	    || { grep -v '^WARNING' $(INSTALL_LOG) | tail -n 15 >&2; \
	         echo "make: the installation failed; all of pip's output is in $(INSTALL_LOG)" >&2; exit 1; }
	@touch $@
