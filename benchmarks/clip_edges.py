"""Where lifters of clips gain and lose against single frames: error by the frames that are there around a frame.

    python -m benchmarks.clip_edges --lifters single/.../last.safetensors clip/.../last.safetensors --data_root data

Windows that reach over the end of a clip see copies of its last frame. CMU-X (b) has a camera for every second of
motion, so all of its clips are 25 frames long and every window of 27 is padded; (a) has longer ones. "Late": against
the target one frame earlier, which is the smaller error of a lifter that runs late. "Still": if every window shows its
own frame over and over, as of somebody who stands still: what motion is worth. "Fast": of the tenth of the frames in
which the joints move fastest about the hip.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from data import DataSettings, PoseDataset, load_test_set
from evaluation.evaluate import predict_dataset
from evaluation.metrics import joint_errors
from evaluation.tables import columns
from posenets import Lifter, load_lifter

GROUPS = ((0, 0), (1, 3), (4, 8), (9, 12), (13, 10**9))  # frames to the nearer end of the clip, from - to
TEST_SETS = ("cmux2_a", "cmux2_b")


class Errors(NamedTuple):
    """MPJPE in mm: of each group (NaN where it is empty), and of the columns after them. counts: frames per group."""

    groups: list[float]
    counts: list[int]
    all_frames: float
    late: float
    still: float
    fast: float
    fast_still: float


def errors_of(lifter: Lifter, test_set: str, data_root: str) -> Errors:
    """Of one lifter."""
    recordings = load_test_set(test_set, DataSettings(dataset="cmu", data_root=data_root), lifter.frames, [])
    dataset = PoseDataset.from_recordings(recordings, lifter.skeleton.name, lifter.frames, target=lifter.target_frame)
    made = predict_dataset(lifter, dataset)
    error = 1000 * made.errors.plain.mean(dim=1)
    distance = torch.minimum(dataset.sample - dataset.first, dataset.last - dataset.sample)
    inside = [(distance >= low) & (distance <= high) for low, high in GROUPS]
    earlier = made.target.roll(1, dims=0)[made.follows]
    late = 1000 * joint_errors(made.prediction[made.follows], earlier).mean()
    speed = joint_errors(made.target[made.follows], earlier).mean(dim=1)
    fast = made.follows.nonzero()[speed > speed.quantile(0.9)]
    dataset.first = dataset.last = dataset.sample  # every window is padded from its own frame on
    still = 1000 * predict_dataset(lifter, dataset).errors.plain.mean(dim=1)
    numbers = [float(values.mean()) for values in (error, late, still, error[fast], still[fast])]
    return Errors([float(error[mask].mean()) for mask in inside], [int(mask.sum()) for mask in inside], *numbers)


def table(paths: Sequence[Path], test_set: str, data_root: str) -> str:
    """A line for each checkpoint."""
    names = [f"{low} frames" if low == high else f"{low} to {high}" if high < 10**9 else f"{low} and more"
             for low, high in GROUPS]  # fmt: skip
    rows, counts = [["lifter", *names, "all", "all, late", "all, still", "fast", "fast, still"]], []
    for path in paths:
        lifter = load_lifter(path)
        means, counts, *others = errors_of(lifter, test_set, data_root)
        answer = "" if lifter.target_frame == lifter.frames // 2 else f", frame {lifter.target_frame + 1}"
        rows.append([f"{lifter.posenet.name}-{lifter.frames}{answer}", *(f"{mean:.1f}" for mean in [*means, *others])])
    last = ["frames", *(f"{count:,}" for count in counts), f"{sum(counts):,}"]
    return columns([*rows, last + [""] * (len(rows[0]) - len(last))])


def main() -> None:
    parser = argparse.ArgumentParser(description="Error by the distance to the end of a clip.")
    parser.add_argument("--lifters", type=Path, nargs="+", required=True, help="checkpoints to compare")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    arguments = parser.parse_args()
    for test_set in TEST_SETS:
        print(f"\n{test_set}, MPJPE in mm by the frames to the nearer end of the clip")
        print(table(arguments.lifters, test_set, arguments.data_root))


if __name__ == "__main__":
    main()
