# One command each. CMake and Ninja do the work; this file only names it (see CONTRIBUTING.md).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Data sets and golden vectors of the tests.
TORII_SHARED_DIR ?= ../shared
override TORII_SHARED_DIR := $(abspath $(TORII_SHARED_DIR))
export TORII_SHARED_DIR

# Options of tools/bootstrap, for example BOOTSTRAP="--without-packages".
BOOTSTRAP ?=

.PHONY: help bootstrap configure build test demo bench bench-forecast bench-feast bench-feast-scale format lint asan tsan docs clean test-mutants test-faults test-api test-compat test-cluster tsan-serve install fuzz report-shots

help:
	@echo 'make demo          the whole main job on MovieLens-100K, from a fresh clone, in minutes'
	@echo 'make build         the program: build/release/bin/torii'
	@echo 'make test          all tests; one of them: build/release/bin/base_test --gtest_filter=Json.*'
	@echo 'make bench         speed, beside the peers if bench/peers is installed'
	@echo 'make bench-forecast  what doctor forecasts for train, beside what it takes'
	@echo 'make bench-feast   the reference flow beside the Feast SDK; bench-feast-scale: a million lists'
	@echo 'make install       to PREFIX (default build/install): bin/ + lib/ + share/, relocatable'
	@echo
	@echo 'make format        clang-format on all files; tools/format --check only looks'
	@echo 'make lint          clang-tidy on files that differ from main; tools/lint --all on all'
	@echo 'make asan          unit tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make tsan          unit tests under ThreadSanitizer'
	@echo 'make fuzz          each fuzz target for FUZZ_SECONDS (600); what breaks stays in build/fuzz/found/'
	@echo 'make test-mutants  kept patches that break the code must each turn a test red'
	@echo 'make test-compat   the S3 suite beside MinIO too (built once under .deps/, with Go, in minutes); all of Feast'
	@echo 'make test-cluster  nightly in real pods: Kubernetes, Argo and MinIO, built once under .deps/ (40 minutes), as root'
	@echo 'make test-faults   kill -9: 100 rounds in training and writing, 500 in publishing and serving, 200 in pipelines'
	@echo 'make test-api      20,000 generated requests against the HTTP interface'
	@echo 'make tsan-serve    the server under ThreadSanitizer and mixed load for TSAN_SECONDS (45)'
	@echo 'make docs          links resolve, generated parts are fresh'
	@echo 'make clean         remove build/ (.deps/ stays)'
	@echo
	@echo 'Set-up (tools/bootstrap: Debian packages and pinned wheels) runs by itself where needed.'
	@echo 'TORII_SHARED_DIR=$(TORII_SHARED_DIR)'

bootstrap:
	@tools/bootstrap $(BOOTSTRAP)

configure: bootstrap
	@[[ -f build/release/build.ninja ]] || cmake --preset release

build: configure
	@cmake --build --preset release

test: build
	@tools/run_tests.py build/release

demo: configure
	@cmake --build --preset release --target torii
	@build/release/bin/torii demo

bench: build
	@if [[ -x bench/run ]]; then bench/run; else \
	  for program in build/release/bin/*_bench; do if [[ -x $$program ]]; then $$program; fi; done; fi

bench-forecast: build
	@bench/forecast

format: bootstrap
	@tools/format

lint: BOOTSTRAP += --with-lint
lint: bootstrap
	@tools/lint

# Races inside libraries that were built without the sanitizer are not ours to judge.
tsan: export TSAN_OPTIONS = ignore_noninstrumented_modules=1
asan tsan: bootstrap
	@[[ -f build/$@/build.ninja ]] || cmake --preset $@
	@cmake --build --preset $@ --target unit_tests
	@tools/run_tests.py build/$@ --only unit --one-isa

# FUZZ=csv: one target only.
fuzz: export FUZZ_SECONDS ?= 600
asan fuzz: BOOTSTRAP += --with-clang
fuzz: bootstrap
	@[[ -f build/fuzz/build.ninja ]] || cmake --preset fuzz
	@cmake --build --preset fuzz --target fuzz_targets
	@fuzz/run $(FUZZ)

docs: build
	@tools/check_docs.py

install: PREFIX ?= build/install
install: build
	@cmake --install build/release --prefix $(abspath $(PREFIX)) | grep -v -e '-- Installing' -e '-- Up-to-date'

test-compat: BOOTSTRAP += --with-feast
test-compat: configure
	@cmake --build --preset release --target s3_compat_test torii
	@python3 -B tests/compat/s3/with_s3.py .deps minio build/release/bin/s3_compat_test
	@TORII_PROGRAM=build/release/bin/torii python3 -B tests/compat/s3/with_s3.py .deps minio python3 -B tests/e2e/pipeline_s3_test.py
	@TORII_PROGRAM=build/release/bin/torii TORII_DEPS=.deps tests/compat/feast/run_all

bench-feast bench-feast-scale: BOOTSTRAP += --with-feast
bench-feast bench-feast-scale: export TORII_PROGRAM = build/release/bin/torii
bench-feast bench-feast-scale: configure
	@cmake --build --preset release --target torii
	@python3 -B tests/compat/feast/$(if $(findstring scale,$@),scale_test,reference_flow).py

# For review, not for CI: needs chromium and poppler-utils.
report-shots: REPORT ?= demo/report.html
report-shots: SHOTS ?= build/report-shots
report-shots:
	@tools/report_screenshots $(REPORT) $(SHOTS)

test-mutants: bootstrap
	@tests/mutants/run

test-cluster: BOOTSTRAP += --with-cluster
test-cluster: configure
	@cmake --build --preset release --target torii torii_flight torii_shared
	@tests/cluster/build
	@cd tests && TORII_PROGRAM=$(CURDIR)/build/release/bin/torii TORII_DEPS=$(CURDIR)/.deps python3 -B compat/pipeline/lint_argo_test.py
	@python3 -B tests/cluster/cluster_test.py build/release

test-faults: configure
	@cmake --build --preset release --target kill_test publish_kill_test pipeline_test moved_clock torii
	@TORII_FAULT_ROUNDS=100 build/release/bin/kill_test
	@TORII_FAULT_ROUNDS=100 build/release/bin/publish_kill_test
	@for name in lost_store hard_times kill_service; do \
	  TORII_PROGRAM=build/release/bin/torii TORII_FAULT_ROUNDS=500 \
	    python3 -B tests/faults/$${name}_test.py || exit 1; done
	@TORII_FAULT_ROUNDS=200 build/release/bin/pipeline_test --gtest_filter='RunnerFaults.*'
	@for name in pipeline_kills pipeline_store_faults pipeline_steps_faults; do \
	  TORII_PROGRAM=$(CURDIR)/build/release/bin/torii TORII_DEPS=$(CURDIR)/.deps TORII_FAULT_ROUNDS=200 \
	    python3 -B tests/faults/$${name}_test.py || exit 1; done

test-api: configure
	@cmake --build --preset release --target torii
	@TORII_PROGRAM=build/release/bin/torii TORII_DEPS=.deps TORII_API_REQUESTS=20000 \
	  python3 -B tests/e2e/openapi_test.py

tsan-serve: export TSAN_SECONDS ?= 45
tsan-serve: bootstrap
	@[[ -f build/tsan/build.ninja ]] || cmake --preset tsan
	@cmake --build --preset tsan --target torii bench_open_loop
	@TORII_PROGRAM=build/tsan/bin/torii python3 -B tests/faults/races_under_load.py

clean:
	rm -rf build
