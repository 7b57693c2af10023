# inbox3d: `make demo` and `make test` are all that a new machine needs (Debian 12, python 3.11, root or sudo).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Passive: a thread of OpenMP that waits sleeps; with two test processes on two cores it would else
# spin on what the other one needs (half of the processor time of tests of networks). One thread of
# OpenBLAS for the same reason: its threads spin between small products, a third of what `align` costs.
PYTEST ?= PYTHONUTF8=1 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest
# Three files at a time keep two cores busy, as one of them often waits; tests/conftest.py puts the
# longest ones first, which xdist is told to leave so.
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder
PACKAGES := deploy/system-packages.sh
VIEWER := pipeline/static/vendor/three.module.min.js

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: $(VENV)/.demo ## set up what the demo needs, then turn virtual scan passes into a model
	@command -v npm >/dev/null && $(MAKE) --no-print-directory $(VIEWER) || echo "npm is not here, so report.html will show pictures but no model to turn."
	$(BIN)/inbox3d demo

.PHONY: test
test: setup ## set up everything, then run the whole suite (the proofs excepted)
	$(PYTEST) -m "not proof" $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: setup ## the suite without its slow tests, about two minutes
	$(PYTEST) -m "not proof and not slow" $(PYTEST_ARGS)

.PHONY: proof
proof: setup ## the long proofs
	$(PYTEST) -m proof --timeout=3600

.PHONY: simulate
simulate: setup ## ten minutes of simulated houses, everything going wrong; SEED=n plays one again, with its story
	$(BIN)/python -m tests.simulation $(SEED) $(SIMULATE_ARGS)

.PHONY: chaos
chaos: setup ## real processes, 500 killed and 100 asleep until their job was another's; SEED=n throws the same dice
	$(BIN)/python -m tests.chaos $(SEED) $(CHAOS_ARGS)

# Debian's smallest kernel, unpacked and not installed: nothing of it is for this machine.
KERNEL := $(VENV)/guest-kernel
$(KERNEL)/.done: | $(BIN)/python
	$(PACKAGES) guest
	@rm -rf $(KERNEL) && mkdir -p $(KERNEL)/package
	cd $(KERNEL)/package && apt-get download -qq $$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image\S*\)/\1/p')
	dpkg -x $(KERNEL)/package/*.deb $(KERNEL)
	@touch $@

.PHONY: guest-kernel
guest-kernel: $(KERNEL)/.done ## what `make nfs-vm` boots

.PHONY: nfs-vm
nfs-vm: setup $(KERNEL)/.done ## the kernel's own NFS client and server, in a guest of QEMU; some fifteen minutes
	$(BIN)/python -m tests.kernelnfs $(KERNEL) $(NFS_VM_ARGS)

.PHONY: lint
lint: setup ## ruff, mypy and the import ladder
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: setup ## let ruff sort imports and lay out the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: docs
docs: setup ## write the generated pages again: docs/jobs.md, docs/errors.md, THIRD_PARTY.md
	$(BIN)/python -m tools.pages --write

.PHONY: sbom
sbom: setup ## the bill of materials (CycloneDX), sbom.cdx.json, from what is installed here
	$(BIN)/python -m tools.sbom

.PHONY: bench
bench: setup ## every benchmark beside its peer; tables in benchmarks/out/ (the drops of scans go on where they were ended)
	@mkdir -p benchmarks/out
	@for bench in benchmarks/bench_*.py; do echo "== $$bench"; \
		case $$bench in *_ambiguity.py) more="--out benchmarks/out/drops.jsonl";; *) more=;; esac; \
		$(BIN)/python $$bench $$more | tee benchmarks/out/$$(basename $$bench .py).txt; done

# Peers that nothing of the product and no test needs: only benchmarks/surfaces.py looks into this folder.
PEERS := $(VENV)/peers
$(PEERS)/.done: | $(BIN)/python
	$(PIP) --no-deps --target $(PEERS) adobe-lagrange==6.49.0 nanobind-backend==1.0.0 colorama==0.4.6 pyfqmr==0.5.0
	@touch $@

.PHONY: bench-peers
bench-peers: setup $(PEERS)/.done ## surfaces and thinned meshes beside five programs, some fifteen minutes
	$(BIN)/python benchmarks/surfaces.py

.PHONY: bench-gpu
bench-gpu: setup ## networks of the published sizes on this machine's GPU, into benchmarks/RESULTS.md
	$(BIN)/python benchmarks/gpu.py

# What writes clients from openapi.json wants older libraries than ours, so it has a folder of its own.
GENERATOR := $(VENV)/generator
$(GENERATOR)/.done: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $(GENERATOR) openapi-python-client==0.29.1
	@touch $@

.PHONY: setup
setup: $(GENERATOR)/.done $(VENV)/.all $(VIEWER) ## system packages, .venv/ with everything, the model viewer

# The stamps make a second `make` do nothing; they age with the files that say what is needed.
$(BIN)/python:
	$(PACKAGES) venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "inbox3d needs python 3.11; name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) pip

$(VENV)/.demo: pyproject.toml constraints.txt $(PACKAGES) | $(BIN)/python
	$(PACKAGES) scan
	@echo "Installing the Python packages of the demo, some 500 MB; a few minutes without a word"
	$(PIP) -e '.[scan]'
	touch $@

$(VENV)/.all: pyproject.toml constraints.txt $(PACKAGES) | $(BIN)/python
	$(PACKAGES) scan test
	@echo "Installing all Python packages, some 3 GB; several minutes without a word"
	$(PIP) -e '.[all,dev]'
	touch $@ $(VENV)/.demo

node_modules/.stamp: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(VIEWER): node_modules/.stamp pipeline/cli/viewer.py | $(BIN)/python
	$(BIN)/inbox3d viewer --from node_modules

.PHONY: clean
clean: ## remove what was built or installed here; never an Atlas
	rm -rf $(VENV) node_modules pipeline/static/vendor benchmarks/out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
