# Both main commands set everything up by themselves: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fast lint bench fuzz install clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'PoseFK needs Python 3.11 or newer, found ' + sys.version.split()[0] + '. Set PYTHON=/path/to/python3.11.')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

demo: install
	$(BIN)/python run_fk_gan.py --dataset cmu --posenet_name simple_baseline --compare none posefk \
		--epochs 8 --steps_per_epoch 150 --note demo

test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal

fast: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: install
	$(BIN)/ruff check .
	$(BIN)/pyright

bench: install
	$(BIN)/python -m benchmarks.speed

# every reader; guided by atheris where `pip install -e ".[fuzz]"` has put it, else by chance
fuzz: install
	$(BIN)/python -m tests.fuzz --runs 20000

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
