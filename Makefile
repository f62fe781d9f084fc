# Each target sets up .venv first, once. Needs Python 3.11 to 3.14 and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
TORCH := $(shell sed -n 's/^torch==\([^ ;]*\).*/\1/p' constraints.txt)
CPU_INDEX := https://download.pytorch.org/whl/cpu
.PHONY: book test lab bench pdf tidy lock

book: .venv/.ready
	$(BIN)/jupyter-book build . --warningiserror --keep-going
	@echo "Open _build/html/index.html in a browser."

test: .venv/.ready
	$(BIN)/python -m pytest -n auto --dist loadgroup

lab: .venv/.ready
	$(BIN)/jupyter lab book/intro.md chapters

pdf: book
	$(BIN)/python book/_tools/pdf.py

bench: .venv/.ready
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_monitor
	$(BIN)/python -m tests.bench_homework

tidy: .venv/.ready
	$(BIN)/python book/_tools/notebooks.py
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# PyPI's torch for Linux brings gigabytes of CUDA, so take the CPU build first: from wherever pip is told to look, or
# else from PyTorch's own index. Elsewhere PyPI's wheels are CPU builds.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else 'Python 3.11 to 3.14 is needed; try make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	[ "$$(uname)" != Linux ] || $(BIN)/pip install -q --no-deps torch==$(TORCH)+cpu 2>/dev/null \
		|| $(BIN)/pip install -q --no-deps torch==$(TORCH) --index-url $(CPU_INDEX)
	$(BIN)/pip install -q -c constraints.txt uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[book,lab,test]'
	touch $@

# All pins for all supported Pythons and systems, without addresses, and without CUDA (as constraints they install
# nothing); then the part of them that Binder needs to run the chapters.
COMPILE := $(BIN)/uv pip compile -q --no-emit-index-url --no-emit-find-links --no-header --no-annotate
lock: .venv/.ready
	echo torch==$(TORCH) | $(COMPILE) --upgrade --universal --python-version 3.11 --all-extras -c /dev/stdin pyproject.toml \
		| grep -vE '^(nvidia|cuda|triton)' > constraints.new
	mv constraints.new constraints.txt
	echo jupyterlab-myst | $(COMPILE) --python-version 3.11.14 --python-platform linux -c constraints.txt pyproject.toml - \
		| grep -vE '^(nvidia|cuda|triton)' | sed 's/^torch==.*/&+cpu/; 1i --extra-index-url $(CPU_INDEX)' \
		> .binder/requirements.txt
