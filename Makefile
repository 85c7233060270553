# `make demo` and `make test` do all their set-up themselves.
VENV ?= .venv
BIN  := $(VENV)/bin
DEMO_HOME ?= $(CURDIR)/.lapwing

.PHONY: demo test fuzz sbom audit lint serve bench browser wheel clean
.DEFAULT_GOAL := demo

$(VENV)/.core: pyproject.toml lock/core.txt setup/environment
	@setup/environment $(VENV) core
	@$(BIN)/lapwing doctor --compile
	@touch $@

$(VENV)/.passkeys: $(VENV)/.core lock/passkeys.txt
	@setup/environment $(VENV) passkeys
	@touch $@

$(VENV)/.reports: $(VENV)/.core lock/reports.txt
	@setup/environment $(VENV) reports
	@touch $@

$(VENV)/.photographs: $(VENV)/.core lock/photographs.txt
	@setup/environment $(VENV) photographs
	@touch $@

$(VENV)/.test: $(VENV)/.photographs lock/test.txt
	@setup/environment $(VENV) test
	@touch $@

# Browser libraries are not committed: they come from the lock file with npm, where there is one.
# Pages work without them.
browser: $(VENV)/.core
	@setup/browser-libraries $(VENV)

demo: $(VENV)/.photographs $(VENV)/.passkeys $(VENV)/.reports browser ## real pictures, links, adverts, messages and payments, end to end
	@LAPWING_HOME="$(DEMO_HOME)" $(BIN)/lapwing demo $(if $(ONCE),--once) $(if $(JSON),--json)

serve: $(VENV)/.passkeys $(VENV)/.reports browser ## the web server, with your own data in LAPWING_HOME
	@$(BIN)/lapwing serve

# Much of a test's time is waiting for a server or a disk, so there is one more at work than cores.
test: $(VENV)/.test browser ## every test; TESTS narrows them, JOBS is how many run at once
	@$(BIN)/python -m pytest -n $(or $(JOBS),$(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile $(or $(TESTS),tests)

$(VENV)/.fuzz: $(VENV)/.test lock/fuzz.txt
	@setup/environment $(VENV) fuzz
	@touch $@

fuzz: $(VENV)/.fuzz ## every reader against generated input, FUZZ_SECONDS each
	@PYTHON=$(BIN)/python fuzz/run $(or $(FUZZ_SECONDS),5)

$(VENV)/sbom/.sbom: $(VENV)/.core lock/sbom.txt
	@setup/environment $(VENV)/sbom sbom
	@touch $@

sbom: $(VENV)/sbom/.sbom ## the list of everything that is installed (CycloneDX), in dist/sbom.json
	@mkdir -p dist
	@cat lock/core.txt lock/parquet.txt lock/passkeys.txt lock/reports.txt lock/stamps.txt lock/video.txt | PYTHONWARNINGS=ignore $(VENV)/sbom/bin/cyclonedx-py requirements \
	  --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --output-format JSON --output-file dist/sbom.json -
	@echo "dist/sbom.json lists $$($(BIN)/python -c 'import json; print(len(json.load(open("dist/sbom.json"))["components"]))') packages"

audit: $(VENV)/.core ## known weaknesses of what is pinned; LAPWING_AUDIT_URL names the index to ask
	@$(BIN)/python setup/audit lock/core.txt lock/parquet.txt lock/passkeys.txt lock/reports.txt lock/stamps.txt lock/video.txt

lint: $(VENV)/.test ## style, types and the import contracts between rooms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.test ## the tables of docs/benchmarks.md
	@$(BIN)/lapwing bench all --markdown docs/benchmarks.md

wheel: browser ## a wheel with the browser libraries inside, in dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## the environment and the demo's data (its database must be stopped)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
