# Two commands matter: `make study` and `make test`. The first run of either sets everything up.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
# What was installed, and where: a change of either sets up anew, a mere `git checkout` does not.
STAMP := $(VENV)/ready-$(shell (cat requirements.txt pyproject.toml; pwd) | cksum | cut -d ' ' -f 1)
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=120 --nbval-sanitize-with=tests/sanitize.cfg
TEST_THREADS := OMP_NUM_THREADS=1  # the tests themselves use every core

.PHONY: help study test browser-test set-up clean

help:
	@echo 'make study                          open the lessons; the first run sets everything up'
	@echo 'make study ARGS="--no-browser"      with options for JupyterLab'
	@echo 'make test                           run every test and every notebook'
	@echo 'make browser-test                   run the start page in Chromium'
	@echo 'make clean                          remove the environment; your workspace and records stay'

study: set-up
	@$(PYTHON_IN_VENV) -m kd_study study $(ARGS)

test: set-up
	@$(PYTHON_IN_VENV) -m kd_study assets
	$(PYTHON_IN_VENV) -m ruff check .
	$(TEST_THREADS) $(PYTHON_IN_VENV) -m pytest -n auto --ignore=tests/browser tests
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
	export KD_STUDY_CACHE="$$($(PYTHON_IN_VENV) -c 'from kd_solutions.assets import cache_folder; print(cache_folder())')" && \
	export KD_STUDY_HOME="$$home" HF_HUB_OFFLINE=1 && \
	$(TEST_THREADS) $(PYTHON_IN_VENV) -m pytest $(NBVAL) -n 2 --dist loadfile notebooks/en notebooks/zh

browser-test: set-up
	@$(PYTHON_IN_VENV) -m kd_study assets
	$(PYTHON_IN_VENV) -m pytest tests/browser

set-up: $(STAMP)

$(STAMP):
	@python=; for each in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'Python 3.11 or newer is needed: install it, or name it as in `make study PYTHON=/path/to/python3.12`.' >&2; exit 1; \
	fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python can't make virtual environments: on Debian and Ubuntu, \`sudo apt install python3-venv\`." >&2; exit 1; \
	fi; \
	rm -f $(VENV)/ready-*; \
	echo "Setting up in $(VENV) with $$($$python --version): once, about a minute plus the downloads." >&2; \
	$$python -m venv $(VENV) && \
	$(PYTHON_IN_VENV) -m pip install --disable-pip-version-check -r requirements.txt || { \
	  echo 'The packages could not be installed: look at the lines above, check the network, and type it again.' >&2; exit 1; \
	}
	@touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis *.egg-info
