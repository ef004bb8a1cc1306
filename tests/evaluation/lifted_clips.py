"""Clips as a lifter would lift them, without one."""

import numpy as np
import torch

from data import load_test_set
from evaluation.predict.lifted import LiftedClip, upright_on_the_floor
from kinematics import Skeleton
from tests.tiny_cmu import SETTINGS

BODY = Skeleton("h36m_16")


def as_lifted(world: np.ndarray, pieces: np.ndarray, frames: np.ndarray | None = None, fps: float = 25.0) -> LiftedClip:
    """A clip with these joints_world."""
    count = len(world)
    return LiftedClip(
        world, world, np.zeros((count, 16, 2)), np.ones((count, 16)), np.arange(count) if frames is None else frames,
        pieces, fps, (1000, 800), BODY, BODY,
    )  # fmt: skip


def recorded_clip() -> LiftedClip:
    """A recorded dance as a lifter without error would lift it, cut nine frames before its end."""
    view = load_test_set("cmux2_a", SETTINGS)[0].views[0]
    world = upright_on_the_floor(torch.from_numpy(view.joints_3d - view.joints_3d[:, :1]).double()).numpy()
    return as_lifted(world, np.repeat([0, 1], [len(world) - 9, 9]))
