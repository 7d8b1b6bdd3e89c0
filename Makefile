# Two commands for a bare machine with Python 3.11+, pip and make:
#   make gate    sets up and runs the release gate of the embedded tiny models
#   make test    sets up and passes the tests
# TORCH_INDEX chooses the torch build: the CPU wheels unless said, e.g.
#   make gate TORCH_INDEX=https://download.pytorch.org/whl/cu128   or   TORCH_INDEX=   (PyPI's default build)
PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: gate test test-slow lint types clean

gate: $(VENV)/.installed
	$(BIN)/pytest suites/tiny.safety.yaml

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow" -q

test-slow: $(VENV)/.installed-dev $(VENV)/.installed-train
	$(BIN)/pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing dsafe into $(VENV) (once; torch is the big one)"
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX) --retries 1 --no-deps) torch || \
	  { echo "$(TORCH_INDEX) does not answer; taking the torch of the default package index"; $(PIP) torch; }
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) --editable ".[dev]"
	@touch $@

$(VENV)/.installed-train: $(VENV)/.installed
	@$(PIP) --editable ".[train]"
	@touch $@

clean:
	rm -rf $(VENV) .dsafe
