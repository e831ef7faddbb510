# Python 3.11 and make are all it takes. `make help` lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := catalyst_assets resources dash_app catalyst_assets_tests
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo up pictures test test-slow test-api chaos compose-test lint format browser redis dft potentials containers clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 11

setup: $(STAMP)  ## make .venv and install the pinned versions into it

demo: setup  ## run the whole loop on the shipped data (ARGS="--iterations 2" to pass options)
	$(BIN)/catalyst demo $(ARGS)

up: setup  ## start every service and print the addresses
	$(BIN)/catalyst up $(ARGS)

pictures: setup browser  ## take the pictures of README and docs anew, from a demo of their own
	$(BIN)/python docs/pictures.py $(ARGS)

test: setup browser redis dft potentials lint  ## lint, types and every test but those of test-slow
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" $(ARGS)

test-slow: setup browser redis dft potentials  ## the tests that take minutes each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m long $(ARGS)

test-api: setup  ## 10,000 requests made up from the API's own description: no 5xx, no answer that it does not describe
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s -m long catalyst_assets_tests/integration/dash_app/test_api_description.py $(ARGS)

chaos: setup redis  ## a campaign on Celery with a fault in each of 30 iterations, against an undisturbed one (ARGS="--seed 1")
	OMP_NUM_THREADS=1 $(BIN)/catalyst bench chaos $(ARGS)

compose-test: setup containers  ## build the images, start compose.yaml with podman, try what it promises (15 minutes, as root)
	$(BIN)/python -m catalyst_assets_tests.containers $(ARGS)

lint: setup  ## ruff, formatting, imports between stages and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: setup  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The browser tests drive Debian's Chromium; where it cannot be installed they say so and are skipped.
browser:
	@command -v chromium >/dev/null && exit 0; \
	command -v apt-get >/dev/null || { echo "Chromium is missing: install it for the browser tests."; exit 0; }; \
	root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	{ $$root apt-get -qq update && $$root env DEBIAN_FRONTEND=noninteractive \
	  apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
	|| echo "Chromium could not be installed: the browser tests are skipped."

# Debian's Redis, without the service that Debian would start; where it cannot be installed the tests of Celery are skipped.
redis:
	@command -v redis-server >/dev/null && exit 0; \
	command -v apt-get >/dev/null || { echo "Redis is missing: install it for the tests of Celery."; exit 0; }; \
	root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	{ $$root apt-get -qq update && $$root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	  apt-get -qq install -y --no-install-recommends redis-server >/dev/null \
	  && { ! command -v systemctl >/dev/null || $$root systemctl disable --now redis-server >/dev/null 2>&1 || true; }; } \
	|| echo "Redis could not be installed: the tests of Celery are skipped."

# What builds and runs containers without a service of its own, and what makes a base image where no registry is reachable.
containers:
	@command -v podman >/dev/null && command -v catatonit >/dev/null && exit 0; \
	command -v apt-get >/dev/null || { echo "podman is missing: install it to try the containers."; exit 0; }; \
	root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	{ $$root apt-get -qq update && $$root env DEBIAN_FRONTEND=noninteractive \
	  apt-get -qq install -y --no-install-recommends podman buildah runc crun netavark aardvark-dns iptables catatonit debootstrap >/dev/null; } \
	|| echo "podman could not be installed."

# GPAW is built from source against two Debian libraries, in a minute; where it cannot be, its tests say so and are skipped.
# Its C files are C++ by now, and older setuptools hand them to the C compiler.
dft: setup  ## build GPAW, the extra for real calculations, where its libraries can be had
	@grep -qx "gpaw==$$($(BIN)/python -c 'import gpaw; print(gpaw.__version__)' 2>/dev/null)" constraints.txt && exit 0; \
	root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
	if command -v apt-get >/dev/null && ! dpkg -s libxc-dev libopenblas-dev g++ >/dev/null 2>&1; then \
	  $$root apt-get -qq update && $$root env DEBIAN_FRONTEND=noninteractive \
	  apt-get -qq install -y --no-install-recommends libxc-dev libopenblas-dev g++ >/dev/null; fi; \
	echo "Building GPAW (a minute)"; \
	CC=g++ $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt gpaw gpaw-data \
	|| echo "GPAW could not be built: its tests are skipped. It needs a C++ compiler, libxc and a BLAS."

# Beside what it is tested with, not in anybody's home; where the packages cannot be had, its tests say so and are skipped.
potentials: export CATALYST_POTENTIAL_ENVIRONMENTS ?= $(CURDIR)/$(VENV)/potentials
potentials: setup  ## make the environment of SevenNet, for its tests, where its packages can be had
	@$(BIN)/catalyst potentials install sevennet \
	|| echo "SevenNet could not be installed: its tests are skipped."

clean:  ## remove caches and builds; keeps .venv and the data in .catalyst
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/pip:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null \
	|| { echo "Python 3.11 is needed: install it, or name it with make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Making $(VENV)"
	@"$(PYTHON)" -m venv $(VENV)

# Of all that pip says, a line for each large package and each step; what went wrong as pip says it.
PIP_TELLS := -e 's/^ *\(Downloading\|Using cached\) \([A-Za-z0-9_.]*\)-\([0-9][^-]*\)-.*(\([0-9.]*\) \(MB\|GB\)).*/\1 \2 \3, \4 \5/' \
  -e '/^\(Downloading\|Using cached\) .*, [0-9]\(\.[0-9]*\)\{0,1\} MB$$/d' -e '/^\(Downloading\|Using cached\) .* [MG]B$$/p' \
  -e 's/^Installing collected packages.*/Installing them (a minute or two)/p' \
  -e '/^ *\(ERROR\|error\|WARNING: Retrying\)/p'

$(STAMP): pyproject.toml constraints.txt | $(BIN)/pip
	@rm -f $@
	@echo "Looking for the pinned versions of about $$(grep -c '==' constraints.txt) packages (a few minutes the first time)"
	@( $(BIN)/python -m pip install --no-color --progress-bar off --disable-pip-version-check \
	   -c constraints.txt -e ".[dev]" 2>&1 && touch $@ ) | sed -un $(PIP_TELLS)
	@test -f $@ || { echo "Nothing was installed: see above. The same command goes on with what was downloaded."; exit 1; }
	@echo "Installed. $$($(BIN)/catalyst --version)"
