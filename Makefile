# The two commands of the README are `make demo` and `make test`; the rest is for those who work on the program.
PYTHON ?= python3
PIP_ARGS ?=
ARGS ?=
EMBEDDINGS ?= 1
PYTEST_ARGS ?=
# Of `make bench` and `make quality`: names with commas between them; of the bench, sqlite, postgresql or both.
ONLY ?=
DATABASE ?=

ifeq ($(EMBEDDINGS),0)
EXTRAS :=
else
EXTRAS := embeddings,dedup
endif
comma := ,

.PHONY: demo test check lint types floors pages rows soak bench quality serve clean
.DEFAULT_GOAL := demo

demo: .venv/.demo-$(EMBEDDINGS)
	.venv/bin/python manage.py demo $(if $(EXTRAS),,--without-packing) $(ARGS)

test: .venv/.test-$(EMBEDDINGS)
	.venv/bin/python -m pytest $(PYTEST_ARGS)

# At full size what `make test` runs at a twentieth, on both databases: hours, not minutes.
soak: .venv/.test-$(EMBEDDINGS)
	SOAK=1 .venv/bin/python -m pytest -m soak --timeout 7200 $(PYTEST_ARGS)
	SOAK=1 .venv/bin/python -m tests.on_postgresql -m "soak and not once" --timeout 7200 $(PYTEST_ARGS)

# Each figure beside what it is held against, into bench.json; see docs/performance.md.
bench: .venv/.test-$(EMBEDDINGS)
	.venv/bin/python -m bench $(if $(ONLY),--only "$(ONLY)") $(if $(DATABASE),--database $(DATABASE))

# What the checks find among labelled probes, beside the targets, into quality.json.
quality: .venv/.test-$(EMBEDDINGS)
	.venv/bin/python -m quality $(if $(ONLY),--only "$(ONLY)") $(ARGS)

# Each on its own, so that `make -j2 check` has two of them at work.
check: lint types floors pages rows

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/.dev
	.venv/bin/mypy .

floors: .venv/.dev
	.venv/bin/lint-imports

pages: .venv/.dev
	.venv/bin/djlint templates --check --quiet
	.venv/bin/djlint templates --lint --quiet

rows: .venv/.dev
	.venv/bin/python manage.py makemigrations --check --dry-run

# What `make demo` installed is served as it is: no torch for someone who left it out.
serve: $(or $(wildcard .venv/.demo-*),.venv/.demo-$(EMBEDDINGS))
	.venv/bin/python manage.py up $(ARGS)

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade "pip>=24"

.venv/.demo-$(EMBEDDINGS): pyproject.toml | .venv/bin/python
	@echo "installing what the program needs into .venv (embeddings: $(EMBEDDINGS)); this takes some minutes the first time"
	.venv/bin/python -m pip install --quiet $(PIP_ARGS) $(if $(EXTRAS),-e ".[$(EXTRAS)]",-e .)
	@touch $@

.venv/.test-$(EMBEDDINGS): pyproject.toml | .venv/bin/python
	@echo "installing what the tests need into .venv; this takes some minutes the first time"
	.venv/bin/python -m pip install --quiet $(PIP_ARGS) -e ".[test$(if $(EXTRAS),$(comma)$(EXTRAS))]"
	@touch $@

# Without the embeddings, a gigabyte that no check looks into.
.venv/.dev: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet $(PIP_ARGS) -e ".[dev]"
	@touch $@ .venv/.test-0

clean:
	rm -rf .venv var staticfiles
