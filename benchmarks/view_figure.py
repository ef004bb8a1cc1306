"""What several cameras saw of some poses, and the pose that a lifter made of all of them.

    python -m benchmarks.view_figure --checkpoint checkpoint/.../last.safetensors --out views.png
    python -m benchmarks.view_figure --checkpoint FILE --data_root data --test_set cmux2_b --out docs/figures/views.png

Poses of a test set spread evenly over it, under the project's default detector's error.
"""

import argparse
from pathlib import Path

import torch

from data import DataSettings, load_test_set
from evaluation.drawing.charts import save_figure
from evaluation.drawing.poses import COLUMNS
from evaluation.evaluate import dataset_for, noisy
from posenets import load_lifter
from training.reporting.pose_pictures import lifted_grid


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.view_figure")
    parser.add_argument("--checkpoint", type=Path, required=True, help="last.safetensors of a run of several views")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--test_set", default="cmux2_b", help="test set (default: cmux2_b)")
    parser.add_argument("--out", type=Path, default=Path("views.png"), help="PNG file (default: views.png)")
    arguments = parser.parse_args()
    lifter = load_lifter(arguments.checkpoint)
    data = DataSettings(data_root=arguments.data_root, views=lifter.views)
    dataset = noisy(dataset_for(lifter, load_test_set(arguments.test_set, data)), "default", arguments.test_set)
    batch = dataset.batch(torch.linspace(0, len(dataset) - 1, COLUMNS + 2).long()[1:-1])
    joints, target = lifter.predict_batch(batch), lifter.target(batch)[:, lifter.target_frame]
    save_figure(lifted_grid(batch, joints, target, f"{arguments.test_set} under detection noise"), arguments.out)
    print(arguments.out)


if __name__ == "__main__":
    main()
