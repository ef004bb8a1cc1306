"""Somebody who walks, for the conftests that write data sets in miniature."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation


def walk_in_a_circle(standing: np.ndarray, joints: Sequence[str], fps: float, frames: int) -> np.ndarray:
    """(J, 3) metres, a body standing about the z axis -> (frames, J, 3): it walks in a circle, limbs swinging."""
    clock = np.arange(frames) / fps
    steps = np.repeat(standing[None], frames, axis=0)
    for joint, name in enumerate(joints):
        side = 1 if name.startswith("R") else -1
        swing = {"Ankle": 0.25, "Knee": 0.15, "Wrist": -0.25, "Elbow": -0.12}.get(name[1:], 0.0)
        steps[:, joint, 1] += side * swing * np.sin(2 * np.pi * clock)
    turned = Rotation.from_euler("z", 0.9 * clock[:, None]).as_matrix()
    return steps @ turned.swapaxes(1, 2) + turned[:, None, :, 0]
