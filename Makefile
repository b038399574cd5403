# What a person or a machine does with a checkout; `make help` has a sentence on each.

PYTHON ?= python3
VENV ?= .venv
FLOWS ?= flows
# Further arguments for pytest, the demo or the trials: make test ARGS="-m 'not asterisk'"
ARGS ?=
# 2 to 9: another Asterisk beside the first, with its own ports
IVR_INSTANCE ?= 1
export IVR_INSTANCE

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SUFFIX := $(if $(filter 1,$(IVR_INSTANCE)),,-$(IVR_INSTANCE))
ASTERISK_SETTINGS := .asterisk/root$(SUFFIX).toml
# chroot.sh needs root; it says so itself where there is no sudo.
SUDO := $(if $(filter 0,$(shell id -u)),,$(shell command -v sudo))

.DEFAULT_GOAL := help
.PHONY: help install demo test check asterisk asterisk-down live trials bench
.PHONY: check-lint check-format check-types check-layers check-tidy check-flows check-shell check-containers check-unit

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make a virtual environment in .venv with everything pinned (PYTHON=… chooses the interpreter).

$(INSTALLED): pyproject.toml constraints.txt deploy/install.sh
	@deploy/install.sh "$(PYTHON)" "$(VENV)"

demo: $(INSTALLED) ## Watch simulated callers go through the flows in flows/; needs no Asterisk, no root, no Docker.
	@$(BIN)/ivrengine demo $(ARGS)

test: $(INSTALLED) ## Run every test that this machine can, and say what was left out (REQUIRE_LIVE=1 leaves nothing out).
	@$(BIN)/python -m pytest $(ARGS)

check: check-lint check-format check-types check-layers check-tidy check-flows check-shell check-containers check-unit ## Check the code, the flows, the scripts and the container files without running them.

check-lint: $(INSTALLED)
	$(BIN)/ruff check

check-format: $(INSTALLED)
	$(BIN)/ruff format --check

check-types: $(INSTALLED)
	$(BIN)/mypy

check-layers: $(INSTALLED)
	$(BIN)/lint-imports --no-logo

check-tidy: $(INSTALLED)
	$(BIN)/python -m pytest -q tests/test_tidy.py

check-flows: $(INSTALLED)
	$(BIN)/ivrengine check $(FLOWS)
	$(BIN)/ivrengine test $(FLOWS) --coverage --fail-under 95

check-shell:
ifneq ($(shell command -v shellcheck),)
	shellcheck -x .ci/run deploy/*.sh asterisk-conf/*.sh
else
	@echo "LEFT OUT: the shell scripts, as shellcheck is not installed; on Debian: apt-get install shellcheck"
endif

check-containers: $(INSTALLED)
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	@if [ -x $(BIN)/hadolint ]; then echo $(BIN)/hadolint Dockerfile; $(BIN)/hadolint Dockerfile; \
	else echo "LEFT OUT: the Dockerfile, as there is no hadolint for this machine."; fi

# The one thing that it may find wrong is that the engine is not installed where the unit says.
check-unit:
ifneq ($(shell command -v systemd-analyze),)
	@echo systemd-analyze verify deploy/ivrengine.service
	@! systemd-analyze verify deploy/ivrengine.service 2>&1 | grep -v 'is not executable: No such file or directory'
else
	@echo "LEFT OUT: the systemd unit, as there is no systemd-analyze here."
endif

asterisk: ## Bring up a real Asterisk from asterisk-conf/ and dialplan/ in a chroot, on loopback (needs root).
	@$(SUDO) asterisk-conf/chroot.sh up

asterisk-down: ## Stop that Asterisk.
	@$(SUDO) asterisk-conf/chroot.sh down

live: $(INSTALLED) ## Answer calls on that Asterisk, until Ctrl-C.
	@[ -r "$(ASTERISK_SETTINGS)" ] || { echo "There is no $(ASTERISK_SETTINGS) yet: make asterisk writes it." >&2; exit 2; }
	@$(BIN)/ivrengine serve --config $(ASTERISK_SETTINGS)

trials: $(INSTALLED) ## Do to the engine what can go wrong (kill it, cut its cables, take its database) and write docs/reliability.md.
	@$(BIN)/python -m trials $(ARGS)

bench: $(INSTALLED) ## Measure what the engine reaches on this machine.
	@$(BIN)/python -m bench $(ARGS)
