# The commands of the project. `make help` lists them.

CARGO ?= cargo
TARGET := wasm32-wasip2
# Clients that others wrote, which the emulator is held against.
CLIENTS := tests/conformance/clients
CLIENTS_DIR := $(or $(CARGO_TARGET_DIR),target)/conformance

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

.PHONY: toolchain
toolchain:
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET)

.PHONY: run
run: build ## see the first action revoke sessions, against a tenant on this machine
	@target/release/tipstaff demo

.PHONY: build
build: toolchain ## build target/release/tipstaff, which carries the first action
	$(CARGO) build --release --locked --package tipstaff-cli

.PHONY: test
test: toolchain conformance-clients ## check formats, lint, and run every suite that fits into some minutes
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@# The programs are components: they link for the sandbox only, which tests/build.rs sees to.
	$(CARGO) test --workspace --exclude tipstaff-programs --locked

.PHONY: test-long
test-long: toolchain ## run the tests that take minutes each, in release mode
	$(CARGO) test --release --package tipstaff-tests --locked -- --ignored --nocapture

.PHONY: conformance-clients
conformance-clients: $(CLIENTS_DIR)/python.installed $(CLIENTS_DIR)/node.installed ## install the clients of tests/conformance

$(CLIENTS_DIR)/python.installed: $(CLIENTS)/requirements.txt
	@python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' || { echo "error: tests/conformance needs python3, 3.10 or later, with venv"; exit 1; }
	rm -rf $(CLIENTS_DIR)/python
	python3 -m venv $(CLIENTS_DIR)/python
	$(CLIENTS_DIR)/python/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --requirement $<
	touch $@

$(CLIENTS_DIR)/node.installed: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	@node -e 'process.exit(Number(process.versions.node.split(".")[0] < 20))' || { echo "error: tests/conformance needs node, 20 or later, with npm"; exit 1; }
	mkdir -p $(CLIENTS_DIR)/node
	cp $^ $(CLIENTS_DIR)/node
	cd $(CLIENTS_DIR)/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: comparison
comparison: toolchain ## measure our row of docs/comparison.md, and print it
	$(CARGO) test --locked --package tipstaff-tests --test comparison

# What libFuzzer asks of the compiler: counters at every edge. For the host alone; build scripts and the component have none.
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
HOST_TRIPLE = $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_TARGET ?= url
FUZZ_SECONDS ?= 3600

.PHONY: fuzz
fuzz: toolchain ## let a fuzzer loose on one target of fuzz/: FUZZ_TARGET=url FUZZ_SECONDS=3600
	mkdir -p target/fuzz/found/$(FUZZ_TARGET)
	RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) run --release --locked --package tipstaff-fuzz --features libfuzzer --bin $(FUZZ_TARGET) \
	  --target $(HOST_TRIPLE) --target-dir target/fuzz -- -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=fuzz/ \
	  target/fuzz/found/$(FUZZ_TARGET) fuzz/corpus/$(FUZZ_TARGET)

.PHONY: bench
bench: toolchain build ## measure, and print the tables of docs/performance.md
	$(CARGO) bench --locked --package tipstaff-tests --bench figures

.PHONY: bench-peers
bench-peers: toolchain $(CLIENTS_DIR)/python.installed ## measure what others revoke in a second beside what this does
	$(CARGO) bench --locked --package tipstaff-tests --bench figures -- peers

.PHONY: bench-long
bench-long: toolchain ## measure what takes minutes: the memory that a million assets need
	$(CARGO) bench --locked --package tipstaff-tests --bench figures -- memory-long

.PHONY: docs
docs: ## make the pages of docs/ that are made from the code
	UPDATE_DOCS=1 $(CARGO) test --locked --package revoke-user-sessions --test outcomes_page

.PHONY: bench-statements
bench-statements: ## measure dynamic value statements over a million assets
	$(CARGO) bench --locked --package tipstaff-dynamic --bench statements

.PHONY: bench-inventory
bench-inventory: ## measure the inventory with a million users, beside plain SQLite
	$(CARGO) bench --locked --package tipstaff-asset --bench inventory

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt --all

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean
