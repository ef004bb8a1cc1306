"""Joints in steps of half a millimetre, in few bytes.

A joint is stored as its way from its parent joint, of which the second difference over time is small and compresses
well. All of it is whole numbers, so that adding them up gives the joints back without further error.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int16

from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

EXCERPT = Path(__file__).with_name("excerpt.npz")
EXCERPT_FORMAT = "posefk-cmu-excerpt-1"
STEP = 5e-4  # metres; joints are off by half of it at most
_PARENTS = Skeleton("h36m_17").parents


def encode(joints_world: Float[np.ndarray, "frames 17 3"]) -> Int16[np.ndarray, "17 3 frames"]:
    """Second differences over time of each joint's way from its parent, in steps."""
    steps = np.round(joints_world.astype(np.float64) / STEP).astype(np.int64)
    ways = steps.copy()
    for joint, parent in enumerate(_PARENTS):
        if parent >= 0:
            ways[:, joint] -= steps[:, parent]
    rest = np.diff(np.diff(ways, axis=0, prepend=0), axis=0, prepend=0)
    if np.abs(rest).max() > np.iinfo(np.int16).max:
        raise PoseFKError(f"A joint moves by more than {np.iinfo(np.int16).max * STEP:.0f} m in a frame.")
    return rest.astype(np.int16).transpose(1, 2, 0)


def decode(rest: Int[np.ndarray, "17 3 frames"]) -> Float[np.ndarray, "frames 17 3"]:
    """World joints in metres, float32, that encode() was given, to half a STEP."""
    steps = rest.astype(np.int64).cumsum(-1).cumsum(-1).transpose(2, 0, 1)
    for joint, parent in enumerate(_PARENTS):  # parents come before their children
        if parent >= 0:
            steps[:, joint] += steps[:, parent]
    return (steps * STEP).astype(np.float32)


def joints_of(content: dict[str, Any]) -> Float[np.ndarray, "frames 17 3"]:
    """World joints of all clips of an excerpt's content, one clip after the other."""
    bounds = content["first_frames"]
    spans = [slice(int(start), int(end)) for start, end in zip(bounds[:-1], bounds[1:], strict=True)]
    return np.concatenate([decode(content["second_differences"][..., span]) for span in spans])
