"""The table of CMU-X: recipes and single ingredients, several seeds, last epoch, mean and standard deviation.

    python -m benchmarks.cmux --data_root data --out checkpoint/cmux --workers 2

Each line of the table is a plain run of run_fk_gan.py, which a run that is already finished under --out is not
repeated for. Whatever is finished is in the table: stop and go on as you like.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from training.log import columns

# Every lifter makes 9,000 updates of 256 poses: 4,500 batches and their mirror images. An epoch of dh-aug has two
# rounds of batches, one of fakes and one of real poses.
BUDGET = "--dataset cmu --posenet_width 512 --batch_size 256 --steps_per_epoch 150 --eval_every 6 --figures False"
LENGTH = "--epochs 30"
NO_POSES = "--gan 0 --limbs 0 --rom 0"
PLAIN = f"--recipe posefk --input_mode screen --ema 0 {NO_POSES} --bodies keep --cameras dataset --dropout 0.1 {LENGTH}"
VARIANTS: dict[str, str] = {
    "none": f"--recipe none {LENGTH}",
    "dh-aug": "--recipe dh-aug --epochs 15",
    "posefk": f"--recipe posefk {LENGTH}",
    "none, lr 0.001": f"--recipe none --lr 0.001 {LENGTH}",
    "dh-aug, lr 0.001": "--recipe dh-aug --lr 0.001 --epochs 15",
    "none, no dropout": f"--recipe none --dropout 0 {LENGTH}",
    "dh-aug, no dropout": "--recipe dh-aug --dropout 0 --epochs 15",
    "none + input": f"--recipe none --input_mode virtual_camera {LENGTH}",
    "none + EMA": f"--recipe none --ema 0.999 {LENGTH}",
    "none + cameras": f"{PLAIN} --cameras wide --real 1",
    "none + bodies": f"{PLAIN} --bodies population --new_bodies_for_real True --real 1",
    "none + poses": f"{PLAIN} --limbs 0.67 --rom 0.33",
    "posefk without GAN": f"--recipe posefk --gan 0 {LENGTH}",
}
MAIN, LIFTERS = ("none", "dh-aug", "posefk"), ("simple_baseline", "videopose")
BLOCKS = {"simple_baseline": 2, "videopose": 3}  # recipe dh-aug alone would bring DH-AUG's deeper ones
TEST_SETS = ("cmux_a", "cmux_b", "validation")
Run = tuple[str, str, int]


def folder_of(out: Path, run: Run) -> Path:
    variant, lifter, seed = run
    return out / f"{variant.replace(' ', '_')}_{lifter}_{seed}"


def last_errors(out: Path, run: Run) -> dict[str, float] | None:
    """Test set -> MPJPE in mm at the last epoch; None if the run is not finished."""
    epochs = 15 + 3 if run[0].startswith("dh-aug") else 30
    for path in folder_of(out, run).glob("*/*/*/results.jsonl"):
        lines = [json.loads(text) for text in path.read_text().splitlines()]
        last = {line["test_set"]: line["mpjpe"] for line in lines if line["epoch"] == epochs}
        if set(last) >= set(TEST_SETS):
            return last
    return None


def train(out: Path, run: Run, data_root: str) -> None:
    """One run, on one thread, if it is not there yet."""
    if last_errors(out, run) is not None:
        return
    variant, lifter, seed = run
    folder = folder_of(out, run)
    folder.mkdir(parents=True, exist_ok=True)
    lifter = f"{lifter} --posenet_blocks {BLOCKS[lifter]}"
    own = f"--posenet_name {lifter} --seed {seed} --threads 1 --checkpoint {folder} --data_root {data_root}"
    command = [sys.executable, "run_fk_gan.py", *f"{BUDGET} {_without_doubles(VARIANTS[variant])} {own}".split()]
    with open(folder / "log.txt", "w") as log:
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True)
    print(f"{' '.join(map(str, run))}: {last_errors(out, run)}", flush=True)


def _without_doubles(flags: str) -> str:
    """Of a flag that is given twice, the last."""
    pairs = [part.split(maxsplit=1) for part in flags.split("--") if part]
    return " ".join(f"--{name} {value.strip()}" for name, value in dict(pairs).items())


def table(out: Path, lifter: str, seeds: Sequence[int]) -> str:
    """Mean and standard deviation over the finished seeds, millimetres, and the change against none."""
    rows, base = [["variant", "seeds", "(a)", "", "(b)", "", "validation"]], {}
    for variant in VARIANTS:
        found = [errors for seed in seeds if (errors := last_errors(out, (variant, lifter, seed)))]
        if not found:
            continue
        row = [variant, str(len(found))]
        for name in TEST_SETS:
            values = [errors[name] for errors in found]
            mean = statistics.mean(values)
            base.setdefault(name, mean)
            row.append(f"{mean:.1f} ± {statistics.stdev(values):.1f}" if len(values) > 1 else f"{mean:.1f}")
            if name != "validation":
                row.append("" if variant == "none" else f"{100 * (mean / base[name] - 1):+.0f} %")
        rows.append(row)
    return columns(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of CMU-X.")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--out", type=Path, default=Path("checkpoint/cmux"), help="folder of the runs")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, one thread each (default: 2)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default: 0 1 2)")
    arguments = parser.parse_args()
    main_runs = [(variant, lifter, seed) for lifter in LIFTERS for seed in arguments.seeds for variant in MAIN]
    others = [(v, LIFTERS[0], seed) for seed in arguments.seeds for v in VARIANTS if v not in MAIN]
    with ThreadPoolExecutor(arguments.workers) as pool:
        list(pool.map(lambda run: train(arguments.out, run, arguments.data_root), [*main_runs, *others]))
    for lifter in LIFTERS:
        print(f"\n{lifter}, MPJPE in mm, last epoch, mean ± sd\n{table(arguments.out, lifter, arguments.seeds)}")


if __name__ == "__main__":
    main()
