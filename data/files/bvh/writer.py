"""BVH files of the DH body, straight from its joint angles: for Blender and other animation programs.

Units are metres; the file's axes are x right, y up, z backwards: Blender's importer with its own settings (y up, -z
forward, scale 1) shows the coordinates of our world. Offsets do not change within a file, so a clip has one body.
Joints have the names that data/files/bvh/reader.py reads; every one has three rotation channels, knees and elbows turn
about one.
"""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from kinematics import BONES, JOINT_ANGLES

# Turns about our axes x, y, z as a file names them; y turns the other way round there (its z is our -y).
CHANNELS = {"+x": ("X", 1), "-x": ("X", -1), "+y": ("Z", -1), "+z": ("Y", 1)}
_PELVIS, _LIMB, _SPINE = ("+x", "+y", "+z"), ("+z", "+y", "+x"), ("+z", "-x", "+y")


class BvhPart(NamedTuple):
    """parent; bone and direction of its OFFSET (our axes); the turns' axes and angles; bone of its end, if it has one.

    angles: names of JOINT_ANGLES, "pelvis_x" and so on for the global rotation, None for a turn that stays 0.
    """

    name: str
    parent: str | None
    bone: str | None
    direction: tuple[int, int, int]
    axes: tuple[str, str, str]
    angles: tuple[str | None, str | None, str | None]
    end: tuple[str, tuple[int, int, int]] | None = None


def _limb(side: str, root: str, joint: str, bones: tuple[str, str, str], names: tuple[str, str]) -> list[BvhPart]:
    """Two joints with their end: hip and knee, or shoulder and elbow. joint: "hip" or "shoulder"."""
    swing = (f"{side}_{joint}_twist", f"{side}_{joint}_abduction", f"{side}_{joint}_flexion")
    first, upper, lower = (f"{side}_{bone}" for bone in bones)
    hinge = f"{side}_{'knee' if joint == 'hip' else 'elbow'}"
    along, down = (1 if side == "right" else -1, 0, 0), (0, 0, -1)
    above, below = (side.capitalize() + name for name in names)
    return [
        BvhPart(above, root, first, along, _LIMB, swing),
        BvhPart(below, above, upper, down, _LIMB, (None, None, hinge), (lower, down)),
    ]


def _spine(name: str, parent: str, bone: str | None, joint: str, end: str | None = None) -> BvhPart:
    angles = (f"{joint}_twist", f"{joint}_flexion", f"{joint}_lean")
    return BvhPart(name, parent, bone, (0, 0, 1), _SPINE, angles, (end, (0, 0, 1)) if end else None)


_LEG, _ARM = ("UpLeg", "Leg"), ("Arm", "ForeArm")
SKELETON = (
    BvhPart("Hips", None, None, (0, 0, 0), _PELVIS, ("pelvis_x", "pelvis_y", "pelvis_z")),
    *_limb("right", "Hips", "hip", ("hip", "thigh", "shin"), _LEG),
    *_limb("left", "Hips", "hip", ("hip", "thigh", "shin"), _LEG),
    _spine("LowerBack", "Hips", None, "waist"),
    _spine("Spine", "LowerBack", "waist", "spine"),
    _spine("Spine1", "Spine", "thorax", "chest"),
    _spine("Neck", "Spine1", None, "neck", "neck"),
    *_limb("left", "Spine1", "shoulder", ("shoulder", "upper_arm", "forearm"), _ARM),
    *_limb("right", "Spine1", "shoulder", ("shoulder", "upper_arm", "forearm"), _ARM),
)
"""The file's joints, parents first, children in the order of the file."""


def bvh_text(
    joint_angles: Float[Tensor, "frames 28"], bone_lengths: Float[Tensor, "15"],
    global_rotation: Float[Tensor, "frames 3"], root: Float[Tensor, "frames 3"], fps: float,
) -> str:  # fmt: skip
    """A BVH file as text. Angles in radians as DHHuman takes them, lengths and root in its units."""
    lengths = dict(zip(BONES, bone_lengths.tolist(), strict=True))
    numbers = torch.cat([joint_angles, global_rotation], dim=-1).double().cpu().numpy()
    angles = dict(zip((*JOINT_ANGLES, "pelvis_x", "pelvis_y", "pelvis_z"), numbers.T, strict=True))
    turns = [_turns(joint, angles) for joint in SKELETON]
    values = np.concatenate([y_up(root.double().cpu().numpy()), *turns], axis=1)
    return file_text(SKELETON, lengths, values, fps)


def file_text(
    skeleton: Sequence[BvhPart], lengths: dict[str, float], values: Float[np.ndarray, "frames channels"], fps: float
) -> str:
    """A BVH file as text. lengths: of the bones; values: the root's place, then three angles per joint, degrees."""
    if not (np.isfinite(values).all() and np.isfinite(list(lengths.values())).all()):
        frame = int(np.argmin(np.isfinite(values).all(axis=1)))
        raise ValueError(f"Frame {frame} of the clip has joint angles that are not finite: no BVH file is made of it.")
    lines = io.StringIO()
    np.savetxt(lines, values, fmt="%.6f")
    head = "\n".join(["HIERARCHY", *_hierarchy(skeleton, skeleton[0], lengths, 0), "MOTION"])
    return f"{head}\nFrames: {len(values)}\nFrame Time: {1 / fps:.9f}\n{lines.getvalue()}"


def y_up(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Our world (z up) in the file's axes: (x, y, z) -> (x, z, -y); data.files.asf_amc.z_up is its inverse."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _turns(joint: BvhPart, angles: dict[str, np.ndarray]) -> Float[np.ndarray, "frames 3"]:
    """The three channels of a joint, degrees, without jumps."""
    still = np.zeros_like(next(iter(angles.values())))
    columns = [still if name is None else angles[name] for name in joint.angles]
    signs = np.array([CHANNELS[axis][1] for axis in joint.axes])
    return np.rad2deg(without_jumps(np.stack(columns, axis=1)) * signs)


def without_jumps(euler: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """The same turns with each frame's angles as near to the last frame's as they can be, radians.

    Three angles about axes 1, 2, 3 (3 at right angles to 2, 2 to 1) and (a + pi, pi - b, c + pi) are the same turn, and
    so are angles a whole turn apart: players that interpolate between frames would swing the long way round.
    """
    continuous = euler.copy()
    for frame in range(1, len(continuous)):
        a, b, c = continuous[frame]
        both = np.array([[a, b, c], [a + math.pi, math.pi - b, c + math.pi]])
        both -= 2 * math.pi * np.round((both - continuous[frame - 1]) / (2 * math.pi))
        continuous[frame] = both[np.abs(both - continuous[frame - 1]).sum(axis=1).argmin()]
    return continuous


def _hierarchy(skeleton: Sequence[BvhPart], joint: BvhPart, lengths: dict[str, float], depth: int) -> list[str]:
    """The lines of a joint and all below it."""
    inside = "\t" * (depth + 1)
    channels = " ".join(f"{CHANNELS[axis][0]}rotation" for axis in joint.axes)
    count = f"6 Xposition Yposition Zposition {channels}" if joint.parent is None else f"3 {channels}"
    lines = [
        "\t" * depth + f"{'ROOT' if joint.parent is None else 'JOINT'} {joint.name}",
        "\t" * depth + "{",
        f"{inside}OFFSET {_offset(joint.bone, joint.direction, lengths)}",
        f"{inside}CHANNELS {count}",
    ]
    for child in skeleton:
        if child.parent == joint.name:
            lines += _hierarchy(skeleton, child, lengths, depth + 1)
    if joint.end is not None:
        lines += [f"{inside}End Site", inside + "{", f"{inside}\tOFFSET {_offset(*joint.end, lengths)}", inside + "}"]
    return [*lines, "\t" * depth + "}"]


def _offset(bone: str | None, direction: tuple[int, int, int], lengths: dict[str, float]) -> str:
    length = 0.0 if bone is None else lengths[bone]
    return " ".join(f"{number:.6f}" for number in y_up(length * np.array(direction, dtype=float)) + 0.0)
