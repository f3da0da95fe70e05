# Every check `verify-x` has a repair `fix-x`; a check that fails names its repair.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
export PYTHON

BIN := .venv/bin
BENCH := serving
# Processes that share the tests, a file at a time: three on two cores, as tests wait a lot for servers.
WORKERS := 3
MEMBERS := modelkit trainer server clients/python
READY := .venv/.ready
PROTO_READY := .venv-proto/.ready
MLFLOW_READY := .venv-mlflow/.ready
TRITON_READY := .venv-triton/.ready
DOCS_READY := .venv-docs/.ready
PYTHON_CODE := $(MEMBERS) tests benchmarks proto

comma := ,
# $(call check,COMMAND,REPAIR)
check = @$(1) || { echo "$@ failed. To repair: $(2)" >&2; exit 1; }

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### Environment

.PHONY: setup
setup: $(READY) ## Make .venv with the locked dependencies and the four members

$(READY): requirements/dev.txt requirements/setup.txt $(MEMBERS:=/pyproject.toml) scripts/setup
	@scripts/setup .venv requirements/dev.txt $(MEMBERS)
	@touch $@

$(PROTO_READY): requirements/proto.txt requirements/setup.txt scripts/setup
	@scripts/setup .venv-proto requirements/proto.txt
	@touch $@

$(MLFLOW_READY): requirements/mlflow.txt requirements/setup.txt scripts/setup
	@scripts/setup .venv-mlflow requirements/mlflow.txt
	@touch $@

$(TRITON_READY): requirements/triton.txt requirements/setup.txt scripts/setup
	@scripts/setup .venv-triton requirements/triton.txt
	@touch $@

$(DOCS_READY): requirements/docs.txt requirements/setup.txt scripts/setup
	@scripts/setup .venv-docs requirements/docs.txt
	@touch $@

.PHONY: lock
lock: $(READY) ## Resolve requirements/*.txt again; UPGRADE=1 takes the newest versions
	@scripts/lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove the environments and what the tools left
	rm -rf .venv .venv-docs .venv-mlflow .venv-peers .venv-proto .venv-triton .mypy_cache .pytest_cache \
	    .ruff_cache .import_linter_cache .cache .docs .hypothesis .coverage htmlcov dist site

##### Use

.PHONY: run
run: $(READY) ## Train on bundled bars, serve, stream predictions; RUN_SECONDS=30 ends by itself
	@scripts/run

.PHONY: web
web: ## Build the live page into the server, which then shows it; needs Node.js 20.19
	@scripts/web build

.PHONY: bench
bench: $(READY) ## Measure the server, --short in ARGS for 5 minutes; BENCH=predict or another alone
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m benchmarks $(BENCH) $(ARGS)

##### Test

.PHONY: test
test: $(READY) $(MLFLOW_READY) $(TRITON_READY) ## Run the tests; T=tests/unit runs a part of them, WORKERS=0 all in one process
	@$(if $(T),,scripts/typescript --if-possible test)
	@$(if $(T),,scripts/web --if-possible test)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(T)

.PHONY: test-typescript
test-typescript: $(READY) ## Test the TypeScript client against a real server; needs Node.js 20
	@scripts/typescript test

.PHONY: test-web
test-web: $(READY) ## Test the live page against a real server; needs Node.js 20.19 and Chromium
	@scripts/web test

.PHONY: coverage
coverage: $(READY) $(MLFLOW_READY) $(TRITON_READY) ## Run the tests and show the lines that none of them reached
	@$(BIN)/coverage run -m pytest $(T)
	@$(BIN)/coverage report

##### Check and repair

CHECKS := verify-format verify-style verify-types verify-imports proto-check verify-typescript verify-web \
    verify-images verify-docs

.PHONY: lint
lint: $(READY) $(PROTO_READY) $(DOCS_READY) ## Run every check
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

.PHONY: fix
fix: fix-style fix-format proto ## Repair what can be repaired

.PHONY: verify-format fix-format
verify-format: $(READY)
	$(call check,$(BIN)/ruff format --quiet --check .,make fix-format)
fix-format: $(READY) ## Format the Python code
	@$(BIN)/ruff format .

.PHONY: verify-style fix-style
verify-style: $(READY)
	$(call check,$(BIN)/ruff check --quiet .,make fix-style$(comma) the rest by hand)
fix-style: $(READY) ## Repair what ruff can repair
	@$(BIN)/ruff check --fix .

.PHONY: verify-types types
verify-types: $(READY)
	$(call check,$(BIN)/mypy,by hand; 'make types' shows the errors alone)
types: verify-types ## Check the types

.PHONY: verify-imports
verify-imports: $(READY)
	$(call check,$(BIN)/lint-imports --cache-dir .import_linter_cache,move the import; pyproject.toml says why each rule is)

##### Contract

.PHONY: proto
proto: $(READY) $(PROTO_READY) ## Generate stubs and docs/errors.md from proto/, and format it
	@scripts/proto

.PHONY: proto-check verify-proto fix-proto
proto-check: $(READY) $(PROTO_READY) ## Lint the contract; fail on stale stubs or a breaking change
	$(call check,scripts/proto-check,make proto$(comma) commit what it changed)

##### TypeScript

.PHONY: verify-typescript
verify-typescript: $(READY)
	$(call check,scripts/typescript --if-possible check,npm --prefix clients/typescript run fix and run generate; the rest by hand)

.PHONY: verify-web
verify-web:
	$(call check,scripts/web --if-possible check,npm --prefix clients/web run fix; the rest by hand)

##### Documentation

.PHONY: docs
docs: $(READY) $(DOCS_READY) ## Build the documentation site into site/
	@scripts/docs build

.PHONY: docs-serve
docs-serve: $(READY) $(DOCS_READY) ## Serve the documentation site as the pages are now
	@scripts/docs serve

.PHONY: verify-docs
verify-docs: $(READY) $(DOCS_READY)
	$(call check,scripts/docs build,by hand; each warning names a page and a line)

##### Images

.PHONY: verify-images
verify-images: $(READY)
	$(call check,$(BIN)/hadolint Dockerfile,by hand)
	$(call check,$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml,by hand)

.PHONY: image
image: ## Build the images of server and trainer
	docker build --target server --tag tickcast-server .
	docker build --target trainer --tag tickcast-trainer .
