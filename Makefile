# What .venv holds already; a new one is for CPUs.
PROFILE ?= $(if $(wildcard .venv/.setup-cuda-*),cuda,cpu)
EXTRAS ?= test
OUT ?= runs/appendix_b
PY = .venv/bin/python
WORKERS ?= 3
# A machine where Python keeps no bytecode compiles the project again in each of a hundred processes.
unexport PYTHONDONTWRITEBYTECODE
# The documentation is built while the rest is checked.
MAKEFLAGS += --jobs=2
# What the documentation is made of: docstrings, the options of commands and the HTTP API too.
DOCUMENTED = mkdocs.yml CHANGELOG.md README.md $(shell find docs tools atp_ray actors serve_deployments tune_sweeps \
	-name '*.md' -o -name '*.py' -o -name '*.svg' -o -name '*.png')
PYTEST = $(PY) -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

.PHONY: help setup constraints sweep tipping-demo serve check test test-times test-long coverage mutate lint style docs \
	pure-tests all-tests benchmark clean

help:            ## list what can be made
	@sed -n 's/^\([a-z-]*\): *[^#]*## /  make \1\t/p' Makefile

setup:           ## create .venv (PROFILE=cpu, the default, or cuda)
	@sh tools/setup.sh $(PROFILE) "$(EXTRAS)"

constraints: setup ## resolve constraints/cuda.txt again, after a change of the dependencies or of constraints/cpu.txt
	@sh tools/resolve_cuda.sh

sweep: setup     ## the main job: 20 settings x 7 games x 3 rounds x 8 agents with the embedded checkpoint
	@$(PY) -m atp_ray.sweep $(if $(wildcard $(OUT)/run.json),--resume,--grid appendix_b) --out $(OUT)

tipping-demo: setup ## align tiny by DPO and GRPO, and see how fast each variant tips
	@$(PY) -m atp_ray.tipping_demo --out runs/tipping_demo

serve: setup     ## live simulations of tiny, at http://127.0.0.1:8000
	@$(PY) -m atp_ray.serve

lint: style docs ## ruff, mypy, the import contract and the documentation: a broken link or reference is an error

style: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) tools/generate_client.py --check

check: lint pure-tests ## lint and every quick test: no Ray, no torch, nothing that takes half a second; for while one works

test: lint all-tests ## every check and every test

pure-tests: style
	@$(PYTEST) -n 2 -m "not dear and not torch and not slow"

all-tests: style
	@$(PYTEST)

test-times: setup ## every test, and what each took and started: build/test_times.md
	@$(PYTEST) --times=build/test_times.md

test-long: setup ## every test, with the full budgets of fuzzing and load
	@ATP_RAY_EXAMPLES=100 ATP_RAY_FUZZ_EXAMPLES=30 ATP_RAY_FUZZ_ONE_IN=1 ATP_RAY_FLOOD=7000 $(PYTEST)

coverage: setup  ## every test, and the lines of the product that none of them runs, in any process: build/coverage/html/index.html
	@rm -rf build/coverage && mkdir -p build/coverage
	@COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml $(PYTEST)
	@.venv/bin/coverage combine --quiet && .venv/bin/coverage html --quiet && .venv/bin/coverage report | tail -1

coverage: export COVERAGE_FILE = $(CURDIR)/build/coverage/lines

mutate: setup    ## faults put into the modules that hold rules: which does no test notice? (an hour)
	@.venv/bin/mutmut run && .venv/bin/mutmut results

docs: build/documented ## the documentation as a site: build/docs/index.html

build/documented: $(DOCUMENTED) | setup
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet && touch $@

benchmark: setup ## speed, as ratios against a reference in the same run
	@$(PY) -m benchmarks.throughput

clean:           ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
