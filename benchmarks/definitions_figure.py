"""Where data sets have their joints: one mean body in each definition, and what random definitions make of it.

python -m benchmarks.definitions_figure --figure docs/figures/definitions.png
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from data.cmu.clips import TRAIN_SUBJECTS
from data.cmu.prepared import read_prepared
from data.cmu.splits import BODY, SKELETON
from evaluation.drawing.charts import save_figure
from kinematics.definitions import as_coco, cmu_to_h36m, redefine, sample_definitions
from kinematics.joints import J
from kinematics.limb_frames import body_frame

SHOWN = (J.HIP, J.R_HIP, J.L_HIP, J.SPINE, J.THORAX, J.HEAD, J.R_SHOULDER, J.L_SHOULDER)
LOOKS = {"CMU": ("#b04a2f", "s"), "in Human3.6M's places": ("#1f4e8c", "o"), "COCO, made up": ("#3a7d44", "^")}
VIEWS = {"from the front": (0, 2), "from its right side": (1, 2)}
DRAWN = 400


def mean_body(joints: Tensor) -> Tensor:
    """(16, 3) metres: the mean position of each joint from mid-hips, axes right, forward, up along the trunk."""
    hips = (joints[:, J.R_HIP] + joints[:, J.L_HIP]) / 2
    trunk = (joints[:, J.R_SHOULDER] + joints[:, J.L_SHOULDER]) / 2 - hips
    right = joints[:, J.R_HIP] - joints[:, J.L_HIP]
    right = right - (right * trunk).sum(-1, keepdim=True) * trunk / (trunk**2).sum(-1, keepdim=True)
    return ((joints - hips[:, None]) @ body_frame(right, trunk)).mean(0)


def bodies(data_root: str) -> tuple[dict[str, Tensor], Tensor]:
    """The mean body of CMU-X's training people in each definition, about CMU's mid-hips, and random ones (N, 16, 3)."""
    clips = [clip for name, clip in read_prepared(data_root).items() if name.split("_")[0] in TRAIN_SUBJECTS]
    own = [torch.from_numpy(SKELETON.convert(clip.joints_world[::10].astype(np.float64), BODY)) for clip in clips]
    cmu = mean_body(torch.cat(own))
    standard = mean_body(torch.cat([cmu_to_h36m(joints) for joints in own]))
    lift = cmu[J.R_SHOULDER, 2] - standard[J.R_SHOULDER, 2]  # the shoulders are the same points
    standard = standard + torch.tensor([0.0, 0.0, float(lift)])
    defined = {"CMU": cmu, "in Human3.6M's places": standard, "COCO, made up": as_coco(cmu)}
    parameters = sample_definitions(DRAWN, 1.0, 1.0, torch.Generator().manual_seed(0), standard)
    return defined, redefine(standard.expand(DRAWN, -1, -1), parameters)


def draw(axes: Axes, points: dict[str, Tensor], drawn: Tensor, sides: tuple[int, int]) -> None:
    cloud = drawn[:, list(SHOWN)][..., list(sides)].reshape(-1, 2) * 100
    axes.scatter(cloud[:, 0], cloud[:, 1], s=3, color="#bbbbbb", linewidths=0, label="drawn at random")
    for name, body in points.items():
        colour, marker = LOOKS[name]
        place = body[list(SHOWN)][:, list(sides)] * 100
        axes.scatter(place[:, 0], place[:, 1], s=34, color=colour, marker=marker, label=name, alpha=0.85, linewidths=0)
    for joint in SHOWN:
        if joint in (J.L_HIP, J.L_SHOULDER) or (sides[0] == 1 and joint in (J.R_HIP, J.R_SHOULDER)):
            continue
        place = points["in Human3.6M's places"][joint, list(sides)] * 100
        label = BODY.joints[joint]
        axes.annotate(label, (float(place[0]), float(place[1])), (8, 5), textcoords="offset points", fontsize=8)
    axes.set_aspect("equal")
    axes.grid(color="#eeeeee", linewidth=0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw where data sets have their joints.")
    parser.add_argument("--data_root", default="data", help="folder of data_3d_cmu.npz (default: data)")
    parser.add_argument("--figure", type=Path, default=Path("definitions.png"), help="PNG to write")
    arguments = parser.parse_args()
    points, drawn = bodies(arguments.data_root)
    figure = Figure(figsize=(7, 6), dpi=100, layout="constrained")
    for axes, (title, sides) in zip(figure.subplots(1, 2, sharey=True), VIEWS.items(), strict=True):
        draw(axes, points, drawn, sides)
        axes.set(title=title, xlabel=("to its right" if sides[0] == 0 else "forward") + " (cm)")
    figure.axes[0].set_ylabel("up from the middle of CMU's hips (cm)")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), ncols=4, loc="outside lower center", fontsize=9)
    save_figure(figure, arguments.figure)
    print(arguments.figure)
    for name, body in points.items():
        rows = ", ".join(f"{BODY.joints[joint]} {[round(v * 1000) for v in body[joint].tolist()]}" for joint in SHOWN)
        print(f"{name}: {rows} (mm: right, forward, up)")


if __name__ == "__main__":
    main()
