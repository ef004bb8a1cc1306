"""The GPU check in its smallest form, on the CPU: every step once, with what a GPU machine would install."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import check

ROOT = Path(__file__).parents[1]
BENCHMARKED = {
    "bounds", "forward kinematics", "sampling (posefk)", "GAN iteration", "epoch", "lifter step",
}  # fmt: skip


def test_the_gpu_check_rehearses_on_the_cpu_and_writes_what_it_found(tmp_path: Path):
    only = "forward_kinematics or (critic_2d and not motion) or limits_hold"
    flags = ["--device", "cpu", "--small", "--out", str(tmp_path), "--only", only, "--seeds", "1"]
    flags += ["--patience", "20"]
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
    assert "4 tests, 0 failed" in text and "posefk, cmux2_b" in text and "forward+backward, 64 poses" in text


def test_a_step_that_fails_or_breaks_off_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    def broken(check: check.Check) -> check.Found:
        raise ValueError("no such report")

    steps = {
        "tests": broken,
        "benchmark": lambda asked: check.run(asked, "benchmark", ["-c", "print('so far'); exit(3)"], 60),
        "training": lambda asked: check.run(asked, "training", ["-c", "import time; time.sleep(60)"], 0.5),
    }
    monkeypatch.setattr(check, "STEPS", steps)
    with pytest.raises(SystemExit):
        check.main(["--device", "cpu", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    endings = ["ValueError: no such report", "exit code 3", "stopped after 0 s"]
    assert [found[name]["ended"] for name in steps] == endings
    told = capsys.readouterr().out
    assert all(f"NOT WELL {ending}" in told for ending in endings)
    assert (tmp_path / "benchmark.log").read_text() == "so far\n"
