# Everything a person or CI does here. `make help` lists it. Needs Python 3.11+, make and pip; the rest is installed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := uv==0.13.9
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup verify test conformance lint format proto lock bench bench-mock bench-proxy kube-protos clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "windtunnel needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python -m venv failed: on Debian and Ubuntu, apt-get install python3-venv"; exit 2; }
	@echo "Installing the pinned dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check '$(UV)'
	@index="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}"; \
	 install="$(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt $${index:+--default-index $$index} -e .[dev]"; \
	 $$install --system-certs || { echo "Once more, with uv's own certificates ..."; $$install; }
	@touch $@

setup: $(STAMP) ## make the .venv with every pinned dependency

verify: $(STAMP) ## the main job: contracts, scenarios, load and chaos on the reference stack
	@$(BIN)/windtunnel verify

test: $(STAMP) ## the project's own tests
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

conformance: $(STAMP) ## the providers' clients and LangChain against mock_llm, others' tools against the local cluster: a table
	@$(BIN)/python tests/conformance/table.py -n 2 --dist loadfile

lint: $(STAMP) ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy --no-incremental && $(BIN)/lint-imports --no-cache

format: $(STAMP) ## rewrite the code in the project's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

proto: $(STAMP) ## generate reference_agents/grpc_api/agents_pb2 from contracts/proto
	@mkdir -p build/proto && $(BIN)/python -m grpc_tools.protoc -I contracts/proto \
	  --python_out=build/proto --pyi_out=build/proto agents/v1/agents.proto
	@cp build/proto/agents/v1/agents_pb2.py build/proto/agents/v1/agents_pb2.pyi reference_agents/grpc_api/

lock: ## resolve constraints.txt anew from the bounds in pyproject.toml
	@test -x $(BIN)/uv || $(MAKE) $(STAMP)  # not a dependency: what is installed may be what the lock is to mend
	@{ echo "# Every version that \`make\` installs. Made by \`make lock\`; bounds live in pyproject.toml."; \
	   $(BIN)/uv pip compile -q pyproject.toml --all-extras --no-annotate --no-header --universal --python-version 3.11; } > constraints.new && mv constraints.new constraints.txt

kube-protos: $(STAMP) ## the messages that the local Kubernetes API understands, from Kubernetes' sources (needs Go)
	@$(BIN)/python -m harness.cluster.kubeapi.protobuf.build

bench: bench-mock bench-proxy ## every benchmark; JSON lands in benchmarks/results/

bench-mock: $(STAMP) ## mock_llm against its peers and a bare ASGI floor, ratios in one run
	@$(BIN)/python benchmarks/mock/run.py

bench-proxy: $(STAMP) ## an edge of the local cluster against a plain relay and no proxy at all, in one run
	@$(BIN)/python benchmarks/proxy/run.py

clean: ## remove the .venv, caches and runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .windtunnel build dist
	find reports -mindepth 1 -maxdepth 1 ! -name sample ! -name README.md -exec rm -rf {} +
