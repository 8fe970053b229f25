# Two commands: `make sweep` and `make test`; `make docs` builds the site. Each sets up .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
OUT ?= sweep-gap
PLAN ?=
MUTANTS ?=
# small matrices on busy cores: a second thread costs more than it gives, several times over
export OMP_NUM_THREADS := 1

.PHONY: sweep test lint types rooms tests wheel docs mutants clean

sweep: $(VENV)/run  ## the main job: which teacher size serves a student best, on real data, to an HTML report; PLAN='--seeds 4' asks for other settings
	$(BIN)/kdprobe sweep --gap --out $(OUT) $(PLAN)

test: lint types rooms tests wheel  ## everything that continuous integration checks

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/pyright --pythonpath $(BIN)/python

rooms: $(VENV)/test
	$(BIN)/lint-imports

tests: $(VENV)/test
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# the wheel in an environment of its own, with a plug-in beside it
wheel: $(VENV)/test
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null
	$(BIN)/python -m build --wheel --outdir dist tests/installed/plugin >/dev/null
	$(PYTHON) -m venv build/clean
	build/clean/bin/pip install --quiet --constraint constraints.txt dist/*.whl
	cd build && clean/bin/python -W error ../tests/installed/check.py

docs: $(VENV)/docs  ## the site in docs/_build/html, notebooks run; a warning or a link that leads nowhere is an error
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/links.py docs/_build/html

mutants: $(VENV)/test  ## do the tests notice a wrong line? MUTANTS='--rooms theory --count 50 --seed 1' asks of others
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

$(VENV)/run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/test: $(VENV)/run
	$(PIP) --editable '.[notebooks,test]'
	touch $@

$(VENV)/docs: $(VENV)/run
	$(PIP) --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist docs/_build docs/made *.egg-info
