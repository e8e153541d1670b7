#!/bin/sh
# Resolve constraints/cuda.txt: what the cuda profile installs on Linux x86_64, in the versions of cpu.txt where it may.
set -eu
cp constraints/cpu.txt constraints/cuda.txt # what is in the output is what uv prefers
.venv/bin/uv pip compile --quiet pyproject.toml --extra cuda --extra test --python-version 3.11 \
    --python-platform x86_64-manylinux_2_28 --constraint constraints/limits-cuda.txt --no-annotate --no-header \
    --no-emit-index-url --output-file constraints/cuda.txt > /dev/null
