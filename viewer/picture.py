"""What a camera sees, as SVG: a few kilobytes of text, sharp at any size, and faster than any bitmap."""

import numpy as np
import torch
from jaxtyping import Float

from evaluation.drawing.colours import FLOOR, MIDDLE, bone_colours
from kinematics import Camera, Skeleton, in_front

FLOOR_HALF_M = 3
PIECES = 24  # of each line of the floor: those behind the camera are left out
BONE_WIDTH, JOINT_RADIUS = 0.022, 0.017  # screen units


def svg_of(
    joints_screen: Float[np.ndarray, "joints 2"] | None, skeleton: Skeleton, aspect: float, camera: Camera | None = None
) -> str:
    """An image of width 2 and height 2 aspect screen units. camera: adds the floor as it sees it.

    joints_screen: None where the camera cannot see the whole body, because a part of it is behind it.
    """
    parts = [
        f'<svg class="posefk-picture" viewBox="-1 {-aspect:.4f} 2 {2 * aspect:.4f}" xmlns="http://www.w3.org/2000/svg" '
        'style="display:block;width:100%;background:#fff;border:1px solid #ccc;border-radius:4px" '
        'stroke-linecap="round">'
    ]
    if camera is not None:
        parts.append(f'<path d="{_floor_path(camera)}" stroke="{FLOOR}" stroke-width="0.006" fill="none"/>')
    if joints_screen is not None:
        parts += _bones(joints_screen, skeleton)
    return "".join([*parts, "</svg>"])


def _bones(joints_screen: np.ndarray, skeleton: Skeleton) -> list[str]:
    points = [(f"{x:.4f}", f"{y:.4f}") for x, y in joints_screen.clip(-20, 20).tolist()]
    lines = [
        f'<line x1="{points[parent][0]}" y1="{points[parent][1]}" x2="{points[child][0]}" y2="{points[child][1]}" '
        f'stroke="{colour}" stroke-width="{BONE_WIDTH}"/>'
        for parent, child, colour in bone_colours(skeleton)
    ]
    return lines + [f'<circle cx="{x}" cy="{y}" r="{JOINT_RADIUS}" fill="{MIDDLE}"/>' for x, y in points]


def _floor_path(camera: Camera) -> str:
    starts, ends = _floor_pieces()
    pieces = torch.stack([starts, ends], dim=1)  # (pieces, 2, 3)
    seen = camera.world_to_camera(pieces.flatten(0, 1)).unflatten(0, (-1, 2))
    screen = camera.project(seen)
    visible = in_front(seen, 0.3).all(dim=1) & (screen.abs() < 1.5).flatten(1).all(dim=1)
    lines = screen[visible].flatten(1).tolist()
    return "".join(f"M{x1:.3f} {y1:.3f}L{x2:.3f} {y2:.3f}" for x1, y1, x2, y2 in lines)


def _floor_pieces() -> tuple[torch.Tensor, torch.Tensor]:
    """Both ends (pieces, 3) of the grid lines' pieces, metres, world."""
    across = torch.arange(-FLOOR_HALF_M, FLOOR_HALF_M + 1.0)
    along = torch.linspace(-FLOOR_HALF_M, FLOOR_HALF_M, PIECES + 1)
    fixed, moving = torch.meshgrid(across, along, indexing="ij")
    flat = torch.zeros_like(fixed)
    lines = torch.cat([torch.stack([fixed, moving, flat], -1), torch.stack([moving, fixed, flat], -1)])
    return lines[:, :-1].flatten(0, 1), lines[:, 1:].flatten(0, 1)
