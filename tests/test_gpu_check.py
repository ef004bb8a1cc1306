"""The GPU check in its smallest form, on the CPU: every step once, with what a GPU machine would install."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKED = {
    "bounds", "forward kinematics", "sampling (posefk)", "GAN iteration", "epoch", "lifter step",
}  # fmt: skip


def test_the_gpu_check_rehearses_on_the_cpu_and_writes_what_it_found(tmp_path: Path):
    only = "forward_kinematics or (critic_2d and not motion) or limits_hold"
    flags = ["--device", "cpu", "--small", "--out", str(tmp_path), "--only", only, "--seeds", "1"]
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(ROOT / "scripts/gpu_check.sh"), *flags], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    logs = {path.name: path.read_text()[-1500:] for path in tmp_path.glob("*.log")}
    assert done.returncode == 0, (done.stdout, done.stderr, logs)
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert found["tests"]["tests"] == 4 and found["tests"]["failed"] == {} and found["tests"]["skipped"] == 0
    assert {row["part"] for row in found["benchmark"]["rows"]} == BENCHMARKED
    assert not [row for row in found["benchmark"]["rows"] if row["name"] == "broke off"]
    assert {len(errors) for errors in found["training"]["mpjpe_mm"].values()} == {1}
    text = (tmp_path / "gpu_check.md").read_text()
    assert "4 tests, 0 failed" in text and "posefk, demo_shifted" in text and "forward+backward, 64 poses" in text


def test_a_step_that_fails_stops_no_other(tmp_path: Path):
    command = [sys.executable, "-m", "benchmarks.gpu.check", "--device", "cpu", "--small", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, "--only", "no_test_is_called_this", "--steps", "tests"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "NOT WELL exit code 5" in done.stdout
    assert json.loads((tmp_path / "gpu_check.json").read_text())["tests"]["ok"] is False
