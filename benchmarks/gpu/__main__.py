"""Every speed on a GPU in one table, medians, each beside the rate that bounds it.

    python -m benchmarks.gpu --json gpu.json --markdown gpu.md
    python -m benchmarks.gpu --device cpu --small             a rehearsal: the code runs, the figures say nothing

Forward kinematics, sampling, GAN iterations, epochs of Human3.6M's size on random motion, extrapolated from some of
their steps, and a step of every lifter (float32, TF32, bfloat16). What the time given does not suffice for is left out
and named. The files are written after every row.
"""

import argparse
import json
import platform
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.gpu.epochs import epochs
from benchmarks.gpu.measuring import Bench, Row, measure_bounds
from benchmarks.gpu.pieces import forward_kinematics, gan_iterations, lifter_steps, sampling
from benchmarks.gpu.table import markdown
from data.devices import chosen_device
from data.files.writing import atomic_write
from kinematics import exit_with_one_sentence

PARTS = (measure_bounds, forward_kinematics, sampling, gan_iterations, epochs, lifter_steps)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    chosen = flags().parse_args(arguments)
    device = chosen_device(chosen.device)
    rows: list[Row] = []
    seconds = 0.02 if chosen.small else chosen.row_seconds
    bench = Bench(device, chosen.small, seconds, time.monotonic() + chosen.seconds)
    for part in PARTS:
        for row in measured(part, bench):
            rows.append(row)
            print(f"{row.part}: {row.name}: {row.milliseconds or float('nan'):.3g} ms {row.note}", flush=True)
            write(chosen, rows, device)
    print(f"\n{markdown(rows, about(device))}")


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--small", action="store_true", help="small sizes and few runs, to see that all of it runs")
    parser.add_argument("--seconds", type=float, default=240.0, help="no row begins after so many")
    parser.add_argument("--row_seconds", type=float, default=1.0, help="for the runs of one row")
    parser.add_argument("--json", type=Path, help="file for the rows")
    parser.add_argument("--markdown", type=Path, help="file for the table")
    return parser


def measured(part, bench: Bench):
    """The rows of a part; where it breaks off or is out of time, a row that says so."""
    try:
        yield from part(bench)
    except Exception as error:  # the other parts have figures of their own
        traceback.print_exc()
        yield Row(part.__name__, "broke off", note=f"{type(error).__name__}: {str(error)[:200]}")
    if bench.late:
        yield Row(part.__name__, "out of time", note="what would follow here was not measured")


def about(device: torch.device) -> str:
    """The machine in a line."""
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    day = time.strftime("%Y-%m-%d")
    return f"{card}, PyTorch {torch.__version__}, Python {platform.python_version()}, {platform.system()}, {day}"


def write(chosen: argparse.Namespace, rows: list[Row], device: torch.device) -> None:
    """What there is so far."""
    plain = {"about": about(device), "small": chosen.small, "rows": [asdict(row) for row in rows]}
    texts = {chosen.json: json.dumps(plain, indent=1) + "\n", chosen.markdown: markdown(rows, about(device))}
    for path, text in texts.items():
        if path is not None:
            with atomic_write(path) as part:
                part.write_text(text)


if __name__ == "__main__":
    exit_with_one_sentence(main)
