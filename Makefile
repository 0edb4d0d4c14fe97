# Two commands matter: `make study` and `make test`. The first run of either sets everything up.

VENV := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
# What was installed, and where: a change of either sets up anew, a mere `git checkout` does not.
STAMP := $(VENV)/ready-$(shell (cat requirements.txt pyproject.toml; pwd) | cksum | cut -d ' ' -f 1)
DEV_STAMP := $(STAMP)-dev-$(shell cat requirements-dev.txt requirements-workshop.txt | cksum | cut -d ' ' -f 1)
WORKSHOP_STAMP := $(STAMP)-workshop-$(shell cksum < requirements-workshop.txt | cut -d ' ' -f 1)
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=900 --nbval-sanitize-with=tests/sanitize.cfg
TEST_THREADS := OMP_NUM_THREADS=1  # the tests themselves use every core

.PHONY: help study test browser-test workshop present set-up set-up-dev set-up-workshop clean

help:
	@echo 'make study                          open the lessons; the first run sets everything up'
	@echo 'make study ARGS="--no-browser"      with options for JupyterLab'
	@echo 'make test                           run every test and every notebook'
	@echo 'make workshop                       build student and instructor editions, slides and handouts for a class'
	@echo 'make present LESSON=01              show the slides of a lesson'
	@echo 'make browser-test                   run the start page in Chromium'
	@echo 'make clean                          remove the environment; your workspace and records stay'

study: set-up
	@$(PYTHON_IN_VENV) -m kd_study study $(ARGS)

test: set-up-dev
	@$(PYTHON_IN_VENV) -m kd_study assets --everything
	$(PYTHON_IN_VENV) -m ruff check .
	$(VENV)/bin/lint-imports
	$(TEST_THREADS) $(PYTHON_IN_VENV) -m pytest -n auto --ignore=tests/browser tests
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
	export KD_STUDY_CACHE="$$($(PYTHON_IN_VENV) -c 'from kd_solutions.support.paths import cache_folder; print(cache_folder())')" && \
	export KD_STUDY_HOME="$$home" HF_HUB_OFFLINE=1 && \
	$(TEST_THREADS) $(PYTHON_IN_VENV) -m pytest $(NBVAL) -n 2 --dist loadfile notebooks/en notebooks/zh

browser-test: set-up-dev
	@$(PYTHON_IN_VENV) -m kd_study assets --everything
	$(PYTHON_IN_VENV) -m pytest tests/browser

workshop: set-up-workshop
	@$(PYTHON_IN_VENV) -m kd_study workshop $(ARGS)

present: set-up-workshop
	@$(PYTHON_IN_VENV) -m kd_study present $(LESSON) $(ARGS)

# $(call install,FILE): one line that counts; pip's own output only where it fails.
define install
{ $(PYTHON_IN_VENV) -m pip install --disable-pip-version-check --progress-bar=off -r $(1) 2>&1; echo "exit $$?"; } | \
awk -v seen="$$([ -t 2 ] && echo yes)" ' \
  /^exit / { status = $$2; next } \
  { said = said $$0 "\n" } \
  seen && /^(Collecting|Downloading|Installing)/ { printf "\r\033[K%d: %s %s", ++count, $$1, $$2 > "/dev/stderr" } \
  END { \
    if (seen) printf "\r\033[K" > "/dev/stderr"; \
    if (status) { \
      printf "%s", said > "/dev/stderr"; \
      print "The packages could not be installed: look at the lines above, check the network, and type it again." > "/dev/stderr"; \
    } \
    exit status \
  }'
endef

set-up: $(STAMP)

set-up-dev: $(DEV_STAMP)

set-up-workshop: $(WORKSHOP_STAMP)

$(WORKSHOP_STAMP): $(STAMP)
	@echo 'Installing what a workshop needs besides.' >&2
	@$(call install,requirements-workshop.txt)
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo 'Installing what the tests need besides.' >&2
	@$(call install,requirements-dev.txt)
	@touch $@

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
	$(call install,requirements.txt)
	@touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis *.egg-info
