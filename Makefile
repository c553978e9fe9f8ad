# Needs GNU make, a POSIX shell and python3 >= 3.11 with venv. `make` alone lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON3 ?= python3
# For two cores: tests wait for other processes as often as they compute.
WORKERS ?= 3

# Checks of one core each run two at a time, where this make can keep what they print apart.
BESIDE := $(if $(filter output-sync,$(.FEATURES)),--jobs=2 --output-sync=target)

VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
# An index that says nothing for a minute ends no installation.
export PIP_DEFAULT_TIMEOUT ?= 120
export PIP_RETRIES ?= 10
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A lock is complete, so it is installed as it is: the resolver of an older pip takes `package[extra]`
# apart from its pin, and refuses the whole lock once a newer release is out. Only wheels, so that no
# dependency runs code of its own while it is being installed.
LOCKED := --no-deps --only-binary :all: --require-hashes -r
CHECK := $(BIN)/python -m pip check --disable-pip-version-check

# An environment whose Python went away, or that was made in another folder, is made again.
ifneq ($(shell test "$$(cat $(CREATED) 2>&1)" = "$(CURDIR)" && $(BIN)/python -c 'import pip' 2>&1 && echo sound),sound)
.PHONY: $(CREATED)
endif

.PHONY: help install run test check heavy bench chaos lock docs lint types contracts pages pages-check

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

install: $(RUNTIME) ## Install what is needed into .venv, and start nothing

run: $(RUNTIME) ## Install what is needed and start everything: API, worker, Postgres, simulator
	@$(BIN)/python web/build.py --optional
	@exec $(BIN)/reelgate up

pages: $(RUNTIME) ## Build the pages, if they are missing or their sources changed
	@$(BIN)/python web/build.py

pages-check: $(DEVELOPMENT) ## Types, lint and tests of the pages, and build them
	@$(BIN)/python web/build.py --check

test: $(DEVELOPMENT) ## Lint, types, import contracts and every test
	@$(MAKE) --no-print-directory $(BESIDE) lint pages-check types contracts
	$(BIN)/python -m pytest -n $(WORKERS) $(if $(COVERAGE),--cov --cov-report=term) $(PYTEST)

check: $(DEVELOPMENT) ## The same without the tests that need Postgres or processes
	@$(MAKE) --no-print-directory $(BESIDE) lint types contracts
	$(BIN)/python -m pytest -p tests.structure.quick -n $(WORKERS) $(PYTEST)

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEVELOPMENT)
	$(BIN)/mypy

contracts: $(DEVELOPMENT)
	$(BIN)/lint-imports --no-logo

heavy: $(DEVELOPMENT) ## The tests that install hundreds of megabytes first: LiteLLM in front of the gateway
	$(BIN)/python -m pytest -m heavy $(PYTEST)

bench: $(DEVELOPMENT) ## Measure creates and reads beside floors (see bench/README.md)
	$(BIN)/python -m bench $(BENCH)

chaos: $(DEVELOPMENT) ## Break a running gateway at random and count what is lost (see docs/reliability.md)
	$(BIN)/python -m tests.chaos $(ARGS)

docs: $(DEVELOPMENT) ## Write docs/reference.md, docs/openapi.json and .env.example from the code
	$(BIN)/python -m tests.structure.reference
	$(BIN)/python -m tests.structure.models_pages

lock: $(DEVELOPMENT) ## Write the hash-pinned locks; `make lock UPGRADE=--upgrade` takes newer versions
	$(BIN)/uv pip compile $(LOCK) --extra build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

# No header and no annotations: they would carry this machine's paths and index addresses.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)

$(CREATED):
	@command -v $(PYTHON3) >/dev/null || { \
	  echo "Reelgate needs Python 3.11 or newer, and there is no $(PYTHON3)." >&2; exit 1; }
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Reelgate needs Python 3.11 or newer; $(PYTHON3) is $$($(PYTHON3) --version 2>&1). Name another one: make PYTHON3=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@if test "$$(cat $@ 2>/dev/null || pwd)" != "$$(pwd)" || ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
	  echo "Making $(VENV)"; \
	  $(PYTHON3) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	    echo "$(PYTHON3) cannot make a virtual environment; install its venv package (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }; \
	fi
	@pwd > $@

$(RUNTIME): requirements.lock pyproject.toml $(CREATED)
	@echo "Installing requirements.lock"
	@$(PIP) $(LOCKED) requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(CHECK) >/dev/null || { $(CHECK) >&2; exit 1; }
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	@echo "Installing requirements-dev.lock"
	@$(PIP) $(LOCKED) requirements-dev.lock
	@$(CHECK) >/dev/null || { $(CHECK) >&2; exit 1; }
	@touch $@
