# Each target does its own set-up in .venv; nothing else has to be installed first than Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# Where it is set, each program that a test starts compiles all modules anew: a quarter of its time.
unexport PYTHONDONTWRITEBYTECODE
# Per cent of expressions without Any in their types; it only rises.
TYPED_MIN := 96

COLLECTOR_VERSION := v0.161.0
ESLINT_VERSION := 9.39.5
HELM_VERSION := v3.18.4
COLLECTOR := .collector/build/otelcol-threads

.PHONY: demo test test-fast coverage lint lint-page bench soak proto collector helm browser clean

demo: $(VENV)/.run
	$(BIN)/otel-threads demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Two tests in three, within a minute: what starts no server and is not long.
test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not served and not slow and not long" $(ARGS)

# All that starts no server but property tests, with the lines and branches that it reaches, held to a floor.
# Counting takes 2.4 times as long, and drawing examples reaches no line twice.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not served and not slow and not hypothesis" --cov --cov-report=term:skip-covered $(ARGS)

lint: $(VENV)/.dev lint-page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --any-exprs-report .mypy_report
	@awk '/Total/ && $$4 + 0 < $(TYPED_MIN) { print "typed expressions:", $$4, "of at least $(TYPED_MIN)%."; exit 1 }' .mypy_report/any-exprs.txt
	$(BIN)/lint-imports --no-cache

# The page's JavaScript. Needs Node, which CI has; elsewhere it says so and goes on.
lint-page:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory .node/.done && \
	  .node/node_modules/.bin/eslint --config tests/page/eslint.config.mjs otel_threads/ui/static; \
	else echo "the page was not linted: npm is missing"; test -z "$(CI)"; fi

.node/.done: Makefile
	mkdir -p .node
	npm install --silent --no-audit --no-fund --prefix .node eslint@$(ESLINT_VERSION)
	@touch $@

bench: $(VENV)/.dev
	cd benchmarks && ../$(BIN)/python ingest.py --save
	cd benchmarks && ../$(BIN)/python protocol.py --save
	cd benchmarks && ../$(BIN)/python derive.py --save
	cd benchmarks && ../$(BIN)/python visibility.py --save
	cd benchmarks && ../$(BIN)/python start.py --save
	cd benchmarks && ../$(BIN)/python query.py --save
	cd benchmarks && ../$(BIN)/python processor.py --save
	cd benchmarks && ../$(BIN)/python page.py --save
	cd benchmarks && ../$(BIN)/python growth.py --save

# Half an hour, and ten minutes; the second needs `make collector`.
soak: $(VENV)/.dev collector
	cd benchmarks && ../$(BIN)/python soak.py --save
	cd benchmarks && ../$(BIN)/python sidecar.py --save

# The generated module must load on protobuf 6 and 7, so it is made with a compiler of protobuf 6.
proto: $(VENV)/.dev
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=. otel_threads/wire/v1/trace.proto otel_threads/wire/v1/counts.proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=. --pyi_out=. otel_threads/v1/evaluations.proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=. --grpc_python_out=. --pyi_out=. otel_threads/v1/threads.proto

# The Collector distribution of collector-config/builder.yaml, and telemetrygen, which tests it.
# Needs Go. Kept in .collector/ until the manifest changes.
collector: $(COLLECTOR) .collector/bin/telemetrygen

$(COLLECTOR): collector-config/builder.yaml
	mkdir -p .collector/bin
	GOBIN=$(CURDIR)/.collector/bin go install go.opentelemetry.io/collector/cmd/builder@$(COLLECTOR_VERSION)
	GOWORK=off .collector/bin/builder --config collector-config/builder.yaml
	@touch $@

.collector/bin/telemetrygen:
	mkdir -p .collector/bin
	GOBIN=$(CURDIR)/.collector/bin go install github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@$(COLLECTOR_VERSION)

# Helm, which renders and lints the chart in tests/collector. Needs Go.
helm: .collector/bin/helm

.collector/bin/helm:
	mkdir -p .collector/bin
	GOBIN=$(CURDIR)/.collector/bin go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)

# Chromium, for tests/page; where it is missing and this is Debian, from Debian.
browser:
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }

clean:
	rm -rf $(VENV) .node .collector .live .pytest_cache .mypy_cache .mypy_report .ruff_cache .hypothesis otel-threads-demo.duckdb*

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.run
