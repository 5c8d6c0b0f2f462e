# Every target makes its own environment in .venv: nothing has to be installed by hand but
# Rust (cargo, rustfmt, clippy) and Python >= 3.11.
#
#   make demo         build a release wheel, install it, run the examples (pictures in examples/out)
#   make test         every check, cheap ones first
#   make bench        every problem with every tool, then the benchmarks of the parts; options for
#                     the former: make bench BENCH="--quick", or BENCH="--write" for the documents
#   make count        instructions of fixed programs under valgrind, against the committed counts
#   make docs-check   API documentation of the engine and every example in the documentation
#   make clean        remove what the other targets made

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The same two values for every cargo call, or pyo3 would be rebuilt at each switch: an
# extension module takes its symbols from the running interpreter, not from a libpython.
export PYO3_BUILD_EXTENSION_MODULE := 1
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed)
METADATA := pyproject.toml $(wildcard README.md LICENSE-*)
DOCUMENTS := $(wildcard README.md docs/*.md)

.PHONY: demo test bench count docs-check clean check-memory check-style check-rust check-types \
        check-python check-engine check-contributing

demo: $(STAMPS)/scipy $(STAMPS)/plot $(STAMPS)/wheel
	$(BIN)/python examples/pollu.py
	$(BIN)/python examples/fit.py
	$(BIN)/python examples/bratu.py
	$(BIN)/python examples/brusselator.py
	$(BIN)/python examples/bundle_adjustment.py
	$(BIN)/python examples/optimal_control.py

test: check-style check-rust check-types check-python docs-check check-engine check-contributing

BENCH :=
bench: $(STAMPS)/bench $(STAMPS)/wheel
	$(BIN)/python -m benches.run $(BENCH)
	$(BIN)/python -m pytest benches
	cargo bench --package jacrs

count: $(STAMPS)/tools
	$(BIN)/python benches/count.py

docs-check: $(STAMPS)/test $(STAMPS)/wheel
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --package jacrs
	$(BIN)/python -m pytest --doctest-modules --doctest-glob='*.md' --pyargs jacrs $(DOCUMENTS)

clean:
	rm -rf $(VENV) dist target examples/out .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find python tests benches examples scripts -name __pycache__ -prune -exec rm -rf {} +

# --- the parts of `make test`

check-style: $(STAMPS)/tools
	$(BIN)/python scripts/check_stages.py
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	cargo fmt --all --check

check-rust: $(STAMPS)/tools
	cargo clippy --workspace --all-targets -- -D warnings

check-types: $(STAMPS)/test $(STAMPS)/wheel
	$(BIN)/python -m mypy
	MYPYPATH=python $(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml jacrs._jacrs

check-python: $(STAMPS)/test $(STAMPS)/wheel
	$(BIN)/python -m pytest

# Unit, property and documentation tests of the engine; the bindings are tested from Python.
check-engine: $(STAMPS)/tools
	cargo test --package jacrs

# The example of CONTRIBUTING.md, applied to a copy.
check-contributing: $(STAMPS)/test $(STAMPS)/wheel
	$(BIN)/python scripts/check_contributing.py

# Tests of the engine under AddressSanitizer, and every way into the bindings under valgrind: reads
# and writes outside of what was allocated, and what is never freed. It needs a nightly compiler and
# valgrind, so it is no part of `make test`.
check-memory: $(STAMPS)/wheel
	$(BIN)/python scripts/check_bindings.py
	RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/address PROPTEST_CASES=32 \
	cargo +nightly test --package jacrs --lib --test fuzzed --test operations \
	  --target $$(rustc -vV | sed -n 's/^host: //p')

# --- the environment: stamps live in it, so that removing it removes them

$(STAMPS)/tools: requirements/tools.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS)
	$(PIP) --requirement $<
	touch $@

$(STAMPS)/wheel: $(RUST_SOURCES) $(PYTHON_SOURCES) $(METADATA) $(STAMPS)/tools
	rm -rf dist
	$(BIN)/maturin build --release --out dist --interpreter $(BIN)/python
	$(PIP) --force-reinstall --no-deps dist/*.whl
	$(PIP) dist/*.whl
	touch $@

# One stamp for each extra of pyproject.toml, installed with the wheel that declares it.
$(STAMPS)/test $(STAMPS)/bench $(STAMPS)/scipy $(STAMPS)/plot: pyproject.toml | $(STAMPS)/wheel
	$(PIP) "$$(echo dist/*.whl)[$(@F)]"
	touch $@
