"""The GPU tests, the benchmark and short trainings, one after the other, into one JSON and one markdown file.

    scripts/gpu_check.sh [--device cpu --small] [--out FOLDER]         installs what is missing, then runs this

Each step is a process with a time of its own: one that fails or takes too long stops no other, and the files are
written after each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from data.files.writing import atomic_write
from kinematics import exit_with_one_sentence

ROOT = Path(__file__).parents[2]
RECIPES = ("none", "posefk")
Found = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """What is asked for, and where it goes. only: pytest's -k, "" for all tests; seeds: of the trainings.

    patience: factor on all limits of time, for a machine that others keep busy.
    """

    device: str
    small: bool
    out: Path
    only: str
    seeds: int
    patience: float

    def seconds(self, large: float, small: float) -> float:
        return self.patience * (small if self.small else large)


def tests(check: Check) -> Found:
    """tests/gpu, and which of them failed."""
    report = check.out / "tests.xml"
    words = ["-m", "pytest", "tests/gpu", "-q", "--gpu-device", check.device, "-W", "default", "-p", "no:cacheprovider"]
    words += [f"--junitxml={report}", *(["-k", check.only] if check.only else [])]
    results = run(check, "tests", words, check.seconds(150, 150))
    if report.is_file():
        cases = list(ElementTree.parse(report).iter("testcase"))
        failed = {case.get("name"): first_line(case) for case in cases if first_line(case) is not None}
        results |= {"tests": len(cases), "skipped": sum(case.find("skipped") is not None for case in cases)}
        results["failed"] = failed
        report.unlink()
    return results


def first_line(case: ElementTree.Element) -> str | None:
    """Why a test failed, None if it did not."""
    for outcome in ("failure", "error"):
        if (problem := case.find(outcome)) is not None:
            return (problem.get("message") or outcome).splitlines()[0][:300]
    return None


def benchmark(check: Check) -> Found:
    """benchmarks.gpu, and its rows as far as it came."""
    rows, table = check.out / "rows.json", check.out / "rows.md"
    words = ["-m", "benchmarks.gpu", "--device", check.device, "--json", str(rows), "--markdown", str(table)]
    words += ["--seconds", str(check.seconds(180, 60)), *(["--small"] if check.small else [])]
    results = run(check, "benchmark", words, check.seconds(205, 80))
    if rows.is_file():
        results |= json.loads(rows.read_text()) | {"table": table.read_text()}
        rows.unlink(), table.unlink()
    return results


def training(check: Check) -> Found:
    """posefk against none on CMU-X, short, of several seeds: MPJPE in mm after the last epoch."""
    flags = "--epochs 4 --steps_per_epoch 100 --test_sets cmux2_a cmux2_b"
    if check.small:
        flags = "--epochs 1 --steps_per_epoch 3 --batch_size 16 --posenet_width 16 --test_sets cmux2_b"
        flags += " --data_root tests/tiny_cmu"
    command = f"run_fk_gan.py --dataset cmu --posenet_name simple_baseline --compare {' '.join(RECIPES)}"
    command += f" --figures False --device {check.device}"
    errors, steps = dict[str, list[float]](), list[Found]()
    until = time.monotonic() + check.seconds(110, 60)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(check.seeds):
            runs = Path(folder) / str(seed)
            words = [*command.split(), "--seed", str(seed), "--checkpoint", str(runs), *flags.split()]
            steps.append(run(check, f"training_{seed}", words, max(1.0, until - time.monotonic())))
            for recipe in RECIPES:
                for name, error in last_errors(runs, recipe).items():
                    errors.setdefault(f"{recipe}, {name}", []).append(error)
    ended = next((step["ended"] for step in steps if step["ended"]), "")
    seconds = sum(step["seconds"] for step in steps)
    return {"ok": not ended, "ended": ended, "seconds": round(seconds, 1), "mpjpe_mm": errors}


def last_errors(folder: Path, recipe: str) -> dict[str, float]:
    """Test set -> MPJPE of the last epoch, mm; empty where there is no run."""
    lines = [
        json.loads(text)
        for path in folder.glob("*/*/*/results.jsonl")
        if json.loads((path.parent / "settings.json").read_text())["recipe"] == recipe
        for text in path.read_text().splitlines()
    ]
    return {line["test_set"]: line["mpjpe"] for line in lines if line["test_set"] != "validation"}


def run(check: Check, name: str, words: Sequence[str], seconds: float) -> Found:
    """A Python process with a limit of time; what it prints goes into <name>.log."""
    start = time.monotonic()
    with open(check.out / f"{name}.log", "w") as log:
        try:
            done = subprocess.run(
                [sys.executable, *words], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, timeout=seconds,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)])},
            )  # fmt: skip
            ended = f"exit code {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            ended = f"stopped after {seconds:.0f} s"
    return {"ok": not ended, "ended": ended, "seconds": round(time.monotonic() - start, 1)}


STEPS: dict[str, Callable[[Check], Found]] = {"tests": tests, "benchmark": benchmark, "training": training}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--small", action="store_true", help="a rehearsal")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT") or "gpu_check"), help="folder")
    parser.add_argument("--only", default="", help="which tests, as pytest's -k has it")
    parser.add_argument("--seeds", type=int, default=3, help="of the trainings")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the limits of time, for busy machines")
    parser.add_argument("--steps", nargs="*", choices=list(STEPS), default=list(STEPS), help="which steps")
    chosen = parser.parse_args(arguments)
    check = Check(chosen.device, chosen.small, chosen.out.resolve(), chosen.only, chosen.seeds, chosen.patience)
    check.out.mkdir(parents=True, exist_ok=True)
    results: Found = {"about": about(chosen.device), "small": chosen.small}
    for name in chosen.steps:
        try:
            results[name] = STEPS[name](check)
        except Exception as error:  # a report that cannot be read stops no other step
            results[name] = {"ok": False, "ended": f"{type(error).__name__}: {error}", "seconds": 0.0}
        write(check.out, results)
        print(f"{name}: {'well' if results[name]['ok'] else results[name]['ended'] or 'not well'}, "
              f"{results[name]['seconds']:.0f} s", flush=True)  # fmt: skip
    print(summary(results))
    if not all(results[name]["ok"] for name in chosen.steps):
        sys.exit(1)


def about(device: str) -> str:
    card = torch.cuda.get_device_name() if device.startswith("cuda") and torch.cuda.is_available() else device
    return f"{card}, PyTorch {torch.__version__}, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d %H:%M')}"


def write(out: Path, results: Found) -> None:
    """Both files, whole or not at all."""
    for name, text in (("gpu_check.json", json.dumps(results, indent=1) + "\n"), ("gpu_check.md", summary(results))):
        with atomic_write(out / name) as part:
            part.write_text(text)


def summary(results: Found) -> str:
    """What was found, as markdown."""
    lines = [f"# GPU check: {results['about']}" + (" (a rehearsal)" if results["small"] else ""), ""]
    for name in STEPS:
        if name in results:
            step = results[name]
            outcome = "well" if step["ok"] else f"NOT WELL {step.get('ended', '')}"
            lines.append(f"* {name}: {outcome}, {step['seconds']} s")
    if "tests" in results and "failed" in results["tests"]:
        step = results["tests"]
        lines += ["", f"{step['tests']} tests, {len(step['failed'])} failed, {step['skipped']} skipped."]
        lines += [f"* `{name}`: {why}" for name, why in step["failed"].items()]
    errors = results.get("training", {}).get("mpjpe_mm", {})
    if errors:
        lines += ["", "| MPJPE, mm | mean | sd | seeds |", "|---|---:|---:|---:|"]
        for name, values in errors.items():
            spread = f"{statistics.stdev(values):.1f}" if len(values) > 1 else "-"
            lines.append(f"| {name} | {statistics.mean(values):.1f} | {spread} | {len(values)} |")
    return "\n".join([*lines, "", results.get("benchmark", {}).get("table", "")])


if __name__ == "__main__":
    exit_with_one_sentence(main)
