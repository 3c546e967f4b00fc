# Two commands matter: `make demo` shows it counting, `make test` checks it. Both set up what they need first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup pages pictures statistics demo test lint bench v500 ceiling mot15 memory torture soak fleet fuzz models models-all clean deb reproducible deny

# Tools that scripts/setup had to build itself are found here.
export PATH := $(CURDIR)/build/tools/bin:$(PATH)

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: ## count people in the sample clip, live, over a real broker (DEMO_SECONDS=40 ends by itself)
	@scripts/setup build demo
	cargo build --release --locked
	@scripts/demo

test: ## everything that has to hold: format, lints, all tests, with and without native libraries
	@scripts/setup build test
	$(MAKE) --no-print-directory lint
	build/venv/bin/python -m unittest discover -s models/build
	node scripts/asyncapi/check.mjs docs/ref/asyncapi.yaml
	npm --prefix ui run --silent check
	cargo nextest run --locked
	cargo test --doc --locked
	cargo nextest run --locked --no-default-features --features hq
	cargo build --locked --no-default-features --features hq --bin footfall-hq
	scripts/schemathesis

lint: ## format and lints only; needs what `make setup` installs
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --no-default-features --features hq -- -D warnings
	cargo clippy --locked --lib --bin footfall --no-default-features -- -D warnings

bench: ## what it costs: CPU per frame, against a bare loop of the same model
	@scripts/setup build demo
	cargo bench --locked

v500: ## how right the count is: the sample clip at every frame, every 2nd and every 4th, against its truth
	@scripts/setup build demo
	cargo build --release --locked
	@scripts/v500

ceiling: ## how right the count is where the camera looks down: a clip that is not part of the project
	@scripts/setup build demo
	cargo build --release --locked
	@scripts/ceiling

mot15: ## how right the tracker is: MOT15 sequences with public detections, scored by TrackEval
	@scripts/mot15

memory: ## a camera holds no more after ten million boxes than after two million (some minutes)
	cargo nextest run --release --locked --no-default-features --test allocations --run-ignored only --no-capture

torture: ## nothing confirmed is lost: box, broker and head office killed 300 times while a clip plays (TORTURE_KILLS=300, some 20 minutes)
	@scripts/setup build demo test
	TORTURE_KILLS="$${TORTURE_KILLS:-300}" cargo nextest run --locked --test torture --no-capture --profile torture

fleet: ## 1,000 simulated boxes enrol, take a configuration and report it, over real HTTP and a real broker with TLS (BOXES=1000)
	@scripts/setup build test
	BOXES="$${BOXES:-1000}" cargo nextest run --release --locked --no-default-features --features hq --test hq_fleet --no-capture --profile torture

soak: ## a simulated day of a box with four cameras: memory, files and disk stay what they were (SOAK_HOURS=24)
	@scripts/setup build demo test
	SOAK_HOURS="$${SOAK_HOURS:-24}" cargo nextest run --locked --test soak --no-capture --profile torture

statistics: ## what the display page's intervals claim, against 2,000 simulated comparisons of each kind
	cargo nextest run --release --locked --no-default-features --features hq --test hq_statistics --run-ignored only --no-capture --profile torture

pictures: ## take the pictures of head office's pages anew
	@scripts/setup build demo test
	cargo build --release --locked --no-default-features --features hq --bin footfall-hq
	@scripts/pictures

fuzz: ## any bytes into every parser and the tracker, FUZZ_RUNS=100000 each; needs `cargo install cargo-fuzz`
	@FUZZ_RUNS=$(or $(FUZZ_RUNS),100000) scripts/fuzz $(FUZZ_TARGETS)

deb: ## Debian packages of the box and of head office, for this machine's architecture, in build/packages (DEB_SUFFIX=+shop1)
	@scripts/setup build pages
	scripts/deb build
	scripts/deb --suffix "$${DEB_SUFFIX:-}"

reproducible: ## the box's program built twice, in two folders: are they the same bytes? (twice the build)
	@scripts/setup build
	scripts/reproducible

deny: ## licences, sources and banned crates of all that is built; needs `cargo install cargo-deny`
	cargo deny check licenses bans sources

setup: ## fetch and install what building, the demo and the tests need
	@scripts/setup build demo test

pages: ## build head office's pages from ui/
	@scripts/setup pages

models: ## build the default models
	@scripts/setup build

models-all: ## build the optional models too
	@scripts/setup build models-all

clean: ## remove what was built and fetched; networks that you brought yourself stay
	cargo clean
	source scripts/pins; for name in "$${DEFAULT_MODELS[@]}" "$${OPTIONAL_MODELS[@]}"; do rm -f "models/$$name.onnx"; done
	rm -rf build models/*.part
