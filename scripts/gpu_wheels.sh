#!/usr/bin/env bash
# Fetch what a GPU machine without a network lacks (scripts/gpu_check.sh), as wheels into wheels/. Run where pip has an
# index. The machine is expected to have Python 3.12, PyTorch, NumPy, SciPy, h5py, matplotlib, tensorboard and pytest.
#
#     scripts/gpu_wheels.sh                 3.12; PYTHON_VERSION=3.11 scripts/gpu_wheels.sh for another
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
version=${PYTHON_VERSION:-3.12}
packages=(roma "tyro>=1.0" docstring-parser typeguard cdflib "jaxtyping>=0.3" wadler-lindig "beartype>=0.20" tqdm)
rm -rf wheels
mkdir wheels
"$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest wheels \
  --python-version "$version" --implementation cp --abi none --abi "cp${version/./}" --abi abi3 \
  --platform any --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
  "${packages[@]}"
ls wheels
du -sh wheels
