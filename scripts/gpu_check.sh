#!/usr/bin/env bash
# Everything there is to find out on a machine with a GPU, in one command and under 8 minutes: docs/gpu.md.
#
#     scripts/gpu_check.sh                        writes gpu_check/gpu_check.json and .md ($OUT or --out: elsewhere)
#     scripts/gpu_check.sh --device cpu --small   a rehearsal
#
# Needs no network: what the machine lacks is taken from wheels/ (scripts/gpu_wheels.sh), put into a folder of its own in
# front of what is installed. (No virtual environment: Python there may live in one itself, which another does not see.)
set -uo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if compgen -G "wheels/*.whl" >/dev/null; then
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --no-cache-dir \
    --root-user-action=ignore --target "$site" wheels/*.whl ||
    for wheel in wheels/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$site"; done
fi
export PYTHONPATH="$site:$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
"$PYTHON" -m benchmarks.gpu.check "$@"
