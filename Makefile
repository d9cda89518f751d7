# The front door: every target does its own set-up. `make help` lists them.
SHELL := /bin/bash
JOBS  ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: build sweep test stress findings audit bench bench-memory bench-quick report lint install clean help bootstrap crates rust

build: bootstrap ## build everything (release, in build/)
	@echo "building (build/build.log)" >&2
	@{ cmake --preset release && cmake --build --preset release --parallel $(JOBS); } \
	   >build/build.log 2>&1 || { cat build/build.log; exit 1; }

sweep: build ## run repro x profile x MIN_BYTES, write results/, recommend a MIN_BYTES (FOR=threads=64,spans=200: elsewhere too)
	@build/sweep/zk-sweep --out results $(if $(FOR),--for $(FOR))

test: build ## unit tests, every repro's expected outcome in every profile, the tables' invariants
	@ctest --preset release --parallel $(JOBS)

findings: build ## run the sweep and regenerate findings.tsv, the tables in README and results/report.html
	@build/sweep/zk-sweep --out results >/dev/null
	@scripts/findings.sh build results findings.tsv
	@scripts/claims.sh results findings.tsv results/claims.tsv
	@scripts/readme.sh results docs/matrix.md
	@scripts/readme.sh results README.md injector_block pool_built_in_phase pooled_hash_table span_registry_pages stdio_buffer
	@$(MAKE) --no-print-directory report-page

report: build report-page ## results/report.html: one page of all tables, to look at; from what is in results/

.PHONY: report-page
report-page:
	@build/report/zk-report --results results --findings findings.tsv --programs build/repro --sources repro --out results/report.html --picture results/matrix.svg
	@echo "results/report.html, results/matrix.svg" >&2

# zk-audit exits with 1 because that program is unsafe on purpose; here, that is the expected
# answer.
audit: build ## zk-audit on a program that crosses a phase: what it says, and where
	@build/sweep/zk-audit -- build/examples/retained_table || [[ $$? -eq 1 ]]

.PHONY: soundness
soundness: build ## damage the memory of four provers while they prove: does a false proof verify? writes results/soundness.tsv
	@scripts/soundness.sh build results/soundness.tsv

stress: bootstrap-stress build ## every stress program at full length; every repro 20 times with the machine busy
	@scripts/stress.sh build

bench: bootstrap-all build ## provers, pairs and lifetimes on each allocator, what routing costs, figures; writes results/
	@scripts/bench.sh build results
	@scripts/bench_cost.sh build results
	@scripts/bench_micro.sh build results
	@scripts/bench_preload.sh build 5
	@scripts/bench_audit.sh build 4
	@scripts/bench_memory.sh build results
	@scripts/bench_memory.sh build results --min-bytes
	@scripts/figures.sh results

bench-memory: bootstrap-all build ## lifetimes of many kinds on each allocator: time and resident memory; writes results/memory.tsv
	@scripts/bench_memory.sh build results
	@scripts/figures.sh results

# Too few rounds for results worth keeping, or for detecting a noisy machine.
bench-quick: bootstrap-all build ## the same in four minutes, to look at: writes build/bench-quick/
	@scripts/bench.sh build build/bench-quick --quick --force
	@scripts/bench_cost.sh build build/bench-quick --quick
	@scripts/bench_micro.sh build build/bench-quick --quick
	@scripts/bench_preload.sh build 2
	@scripts/bench_audit.sh build 1
	@scripts/bench_memory.sh build build/bench-quick --quick --force
	@scripts/figures.sh build/bench-quick

crates: bootstrap-crates build ## the real crates (Debian's, or FOLDER=) beside the models of them; writes results/crates.tsv
	@scripts/crates.sh $(if $(FOLDER),--folder $(FOLDER)) build results || [[ $$? -eq 77 ]]

rust: bootstrap-crates ## the crate of bindings/rust: tests, clippy, format, package, and the prover example
	@scripts/rust.sh build || [[ $$? -eq 77 ]]

lint: bootstrap-all ## clang-format, clang-tidy, cppcheck, shellcheck
	@scripts/lint.sh

# No bootstrap: root often runs an install, which must not add packages to the system.
install: ## install into DESTDIR and PREFIX (/usr/local); builds first, and installs no packages
	@DESTDIR='$(DESTDIR)' scripts/install.sh build '$(PREFIX)'

clean: ## remove the build folders
	rm -rf build build-debug build-asan build-tsan build-fuzz

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

bootstrap:
	@mkdir -p build
	@scripts/bootstrap.sh

.PHONY: bootstrap-crates
bootstrap-crates:
	@mkdir -p build
	@scripts/bootstrap.sh --crates

.PHONY: bootstrap-all
bootstrap-all:
	@scripts/bootstrap.sh --all

# Prints the name of each step that has to be skipped.
.PHONY: bootstrap-stress
bootstrap-stress:
	@scripts/bootstrap.sh --stress || echo 'stress: without the programs that are not installed' >&2
