# On a machine with Python 3.11 to 3.13 and make, each target sets up all it needs.

PYTHON ?= python3
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN = $(UV) run --locked
BROWSER = --with playwright==1.65.2 --with axe-playwright-python==0.1.8

.DEFAULT_GOAL := help
.PHONY: help book pdf test test-browser test-lab unit coverage check workshop lab bench mutation lint format clean environment uv

help:           ## show this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/:.*## /\t/'

book: uv        ## execute the chapters that changed and render the book
	$(RUN) python book/build.py

pdf: uv         ## print the book into one PDF (needs TeX, see the README)
	$(RUN) python book/build.py --pdf

test: uv        ## run the tests (executes stale chapters first)
	$(RUN) pytest -n 2

unit: uv        ## run the tests of the package alone, without chapters and slow claims
	$(RUN) pytest --ignore=tests/chapters -m "not slow" -n 2

test-lab: uv    ## run the other chapters in JupyterLab too (run `make book` first; half an hour)
	$(RUN) $(BROWSER) pytest tests/browser/test_lab.py -m slow

coverage: uv    ## which lines of the package `make unit` reaches; fails below 95% (quick from Python 3.12 on)
	COVERAGE_CORE=sysmon $(RUN) pytest --ignore=tests/chapters -m "not slow" -n 2 --cov --cov-report=term

test-browser: uv ## check the built pages, some chapters in JupyterLab and the workshop's folders in Chromium (run `make book` first)
	$(RUN) $(BROWSER) pytest tests/browser -m "not slow" -n 2

check: uv       ## is this computer ready for the workshop?
	$(RUN) python -m tutorial_pkg.workshop

workshop: uv    ## write the folders of a workshop, for participants and for instructors (builds the book first if need be)
	test -e _build/lab/start.ipynb || $(RUN) python book/build.py
	$(RUN) python -m book.workshop_folders

lab: uv         ## open the chapters in JupyterLab, to run and change copies of them (builds the book first if need be)
	test -e _build/lab/start.ipynb || $(RUN) python book/build.py
	$(RUN) jupyter lab --allow-root --LabApp.default_url=/lab/tree/_build/lab/start.ipynb

bench: uv       ## run the benchmarks
	$(RUN) pytest tests/benchmarks -s -o python_files="bench_*.py"

mutation: uv    ## break the package in small ways and count which its tests notice (takes hours)
	$(RUN) python -m tests.benchmarks.mutation

format: uv      ## bring the code into its style
	$(RUN) ruff check --fix
	$(RUN) ruff format
	$(RUN) jupytext --quiet --set-kernel python3 --to md:myst $$(grep -l '^```{code-cell}' book/*.md)

lint: uv        ## check style and types
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy

clean:          ## forget every built page and executed chapter
	rm -rf _build

environment: uv ## write environment.yml anew from uv.lock
	@{ echo '# Written by `make environment` from uv.lock: the same versions, for conda.'; \
	   echo 'name: tutorial'; \
	   echo 'channels: [conda-forge]'; \
	   echo 'dependencies:'; \
	   echo '  - python>=3.11,<3.14'; \
	   echo '  - pip'; \
	   echo '  - pip:'; \
	   $(UV) export --quiet --locked --no-hashes --no-emit-project --no-dev --extra book --no-annotate --no-header \
	     | sed 's/.*/    - "&"/'; \
	   echo '    - "-e .[book]"'; } > environment.yml

uv: $(filter .uv/bin/uv,$(UV))

# Its own environment first, because many systems refuse pip outside one; plain pip where venv is missing.
.uv/bin/uv:
	{ $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet uv; } \
	  || $(PYTHON) -m pip install --quiet --target .uv uv
