"""What is wrong with a motion-capture clip: frames that jump, frames that were lost, feet below the floor."""

import numpy as np
from jaxtyping import Bool, Float

FASTEST_JOINT = 20.0  # m/s; a sprinter's wrist or a kicker's foot reaches about 15
BRIDGED_SECONDS = 0.25


def glitch_frames(joints: Float[np.ndarray, "frames joints 3"], fps: float | int) -> Bool[np.ndarray, "frames"]:
    """Frames not to learn from. joints: metres, world, joint 0 the root.

    A joint that steps faster than FASTEST_JOINT has gone wrong on one side of the step: both sides are marked, and one
    more frame beyond each. Two steps less than BRIDGED_SECONDS apart are a jump away and back: what lies between is
    wrong as well. A root at exactly the world's origin is a frame that was never reconstructed.
    """
    lost = np.all(joints[:, 0] == 0, axis=-1)
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=-1) * fps  # (F - 1,)
    steps = np.flatnonzero(speed > FASTEST_JOINT)
    marks = np.zeros(len(joints) + 1, dtype=np.int64)  # +1 where a marked stretch begins, -1 where it has ended
    near = np.diff(steps) <= BRIDGED_SECONDS * fps
    ends = np.where(np.append(near, False), np.append(steps[1:], 0), steps)
    np.add.at(marks, np.maximum(steps - 1, 0), 1)
    np.add.at(marks, np.minimum(ends + 3, len(joints)), -1)
    return (np.cumsum(marks[:-1]) > 0) | lost


def lowest_joint(joints: Float[np.ndarray, "frames joints 3"], good: Bool[np.ndarray, "frames"]) -> float:
    """Height in metres of the lowest joint over the good frames; an ankle on the floor is some 0.06 to 0.1 m high."""
    return float(joints[good, :, 2].min()) if good.any() else float("nan")
