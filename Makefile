# The commands of the project. `make help` lists them.

CARGO ?= cargo
TARGET := wasm32-wasip2

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
test: toolchain ## check formats, lint, and run every suite that fits into some minutes
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@# The programs are components: they link for the sandbox only, which tests/build.rs sees to.
	$(CARGO) test --workspace --exclude tipstaff-programs --locked

.PHONY: bench
bench: toolchain build ## measure, and print the tables of docs/performance.md
	$(CARGO) bench --locked --package tipstaff-tests --bench figures

.PHONY: bench-long
bench-long: toolchain ## measure what takes minutes: the memory that a million assets need
	$(CARGO) bench --locked --package tipstaff-tests --bench figures -- memory-long

.PHONY: fmt
fmt: ## format the code
	$(CARGO) fmt --all

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean
