"""Rows of poses of a run: pose pairs, and what the lifter makes of them."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from data import PoseBatch
from evaluation.drawing.poses import COLUMNS, HALF_SIZE_M, draw_screens, draw_spaces, figure_of_lines


def pose_grid(rows: Sequence[tuple[str, PoseBatch]]) -> Figure:
    """Two lines of pictures, screen and space, for each named batch (its first COLUMNS poses, centre frame)."""
    figure, lines = figure_of_lines(2 * len(rows), "Pose pairs. Screen: frame 2 half image widths; space: floor 2 m")
    for i, (name, batch) in enumerate(rows):
        screen, space = _centre_frames(batch)
        draw_screens(lines[2 * i], screen, batch.skeleton)
        draw_spaces(lines[2 * i + 1], space, batch.skeleton)
        lines[2 * i].set_ylabel(f"{name}\nscreen")
        lines[2 * i + 1].set_ylabel(f"{name}\nspace")
    return figure


def lifted_grid(
    batch: PoseBatch, prediction: Float[Tensor, "batch joints 3"], target: Float[Tensor, "batch joints 3"], name: str
) -> Figure:
    """Draw inputs (a line per view) and predictions over the target in grey; camera axes, or world axes of views."""
    views = [batch.one_view(torch.full_like(batch.source, view)) for view in range(batch.views or 0)]
    figure, lines = figure_of_lines(1 + max(len(views), 1), f"Lifted poses of {name}. Floor 2 m, mean error in mm")
    for i, view in enumerate(views or [batch]):
        draw_screens(lines[i], _centre_frames(view)[0], batch.skeleton)
        lines[i].set_ylabel(f"view {i + 1}\nscreen" if views else "input\nscreen")
    lifted, space = (joints[:COLUMNS].detach().cpu().numpy() for joints in (prediction, target))
    if views:  # as a camera at the south would have them
        lifted, space = (joints[..., [0, 2, 1]] * [1.0, -1.0, 1.0] for joints in (lifted, space))
    draw_spaces(lines[-1], lifted, batch.skeleton, target=space)
    lines[-1].set_ylabel("lifted\n(ground truth in grey)")
    errors = 1000 * np.linalg.norm(lifted - space, axis=-1).mean(-1)
    for i, error in enumerate(errors):
        lines[-1].text(2.9 * HALF_SIZE_M * i, -1.3, f"{error:.0f} mm", fontsize=9, ha="center")
    return figure


def _centre_frames(batch: PoseBatch) -> tuple[np.ndarray, np.ndarray]:
    """(B, J, 2) screen and (B, J, 3) metres relative to the root, of the centre frames of the poses to be drawn."""
    batch = batch[:COLUMNS].to("cpu")
    centre = batch.frames // 2
    return batch.joints_2d[:, centre].numpy(), batch.root_relative()[:, centre].numpy()
