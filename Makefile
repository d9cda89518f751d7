# The front door: every target does its own set-up. `make help` lists them.
SHELL := /bin/bash
JOBS  ?= $(shell nproc)

.PHONY: build sweep test stress findings bench lint clean help bootstrap

build: bootstrap ## build everything (release, in build/)
	@echo "building (build/build.log)" >&2
	@{ cmake --preset release && cmake --build --preset release --parallel $(JOBS); } \
	   >build/build.log 2>&1 || { cat build/build.log; exit 1; }

sweep: build ## run repro x profile x MIN_BYTES, write results/, recommend a MIN_BYTES
	@build/sweep/zk-sweep --out results

test: build ## unit tests, every repro's expected outcome in every profile, the tables' invariants
	@ctest --preset release --parallel $(JOBS)

findings: build ## run the sweep and regenerate findings.tsv
	@build/sweep/zk-sweep --out results >/dev/null
	@scripts/findings.sh build results findings.tsv
	@scripts/claims.sh results findings.tsv results/claims.tsv

stress: build ## every stress program at full length; every repro 20 times with the machine busy
	@scripts/stress.sh build

bench: build ## what a malloc+free pair costs, beside other allocators; what a begin costs
	@scripts/bench_pairs.sh build
	@build/bench/begin_cost

lint: bootstrap-all ## clang-format, clang-tidy, cppcheck, shellcheck
	@scripts/lint.sh

clean: ## remove the build folders
	rm -rf build build-debug build-asan build-tsan build-fuzz

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

bootstrap:
	@mkdir -p build
	@scripts/bootstrap.sh

.PHONY: bootstrap-all
bootstrap-all:
	@scripts/bootstrap.sh --all
