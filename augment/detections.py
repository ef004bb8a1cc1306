"""Pairs of detected and true 2D from a data set, and the detector noise of a run."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from augment.detector_noise import FPS, DetectorNoise
from data.batch import PoseBatch
from data.dataset import PoseDataset
from kinematics import Skeleton

WORDS = ("auto", "none", "default")
MOST_POSES, RUN = 50_000, 250  # a noise is fitted to at most so many, in runs of frames, spread evenly over the data
SAME = 1e-4  # screen units, a twentieth of a pixel of Human3.6M: what projecting again may differ by


class Pairs(NamedTuple):
    """What was seen of true poses. detected, true: (N, J, 2) screen; confidence: (N, J) or None.

    follows: (N,) bool, whether a pose is the frame after the one before it.
    """

    detected: Tensor
    true: Tensor
    confidence: Tensor | None
    follows: Tensor


def pairs_of(data: PoseDataset | PoseBatch) -> Pairs:
    """The 2D of a data set (or of the clips of a batch) beside the projection of its 3D. They need cameras."""
    if isinstance(data, PoseDataset):
        return _pairs_of_dataset(data)
    if data.camera is None:
        raise ValueError(_NO_CAMERAS)
    follows = torch.ones(data.joints_2d.shape[:2], dtype=torch.bool, device=data.source.device)
    follows[:, 0] = False
    confidence = None if data.confidence is None else data.confidence.flatten(0, 1)
    true = data.camera.project(data.joints_3d)
    return Pairs(data.joints_2d.flatten(0, 1), true.flatten(0, 1), confidence, follows.flatten())


def _pairs_of_dataset(data: PoseDataset) -> Pairs:
    if data.cameras is None:
        raise ValueError(_NO_CAMERAS)
    follows, rows = data.follows(), torch.arange(len(data), device=data.device)
    if len(data) > MOST_POSES:
        starts = torch.linspace(0, len(data) - RUN, MOST_POSES // RUN, dtype=torch.float64).long().to(data.device)
        rows = (starts[:, None] + torch.arange(RUN, device=data.device)).flatten()
        follows[starts] = False
    frames = data.sample[rows]
    true = data.cameras[data.camera_of_sample[rows]].project(data.joints_3d[frames][:, None])[:, 0]
    confidence = None if data.confidence is None else data.confidence[frames]
    return Pairs(data.joints_2d[frames], true, confidence, follows[rows])


def is_projected(data: PoseDataset | PoseBatch) -> bool:
    """Whether the 2D is the projection of the 3D, and no detection. Without cameras nobody can tell: True."""
    cameras = data.cameras if isinstance(data, PoseDataset) else data.camera
    if cameras is None or not len(data):
        return True
    pairs = pairs_of(data)
    return float((pairs.detected - pairs.true).abs().median()) < SAME


def noise_for(setting: str, data: PoseDataset | PoseBatch) -> DetectorNoise | None:
    """The noise that a setting means for a lifter that learns from `data`. setting: auto, none, default or a file."""
    joints = data.joints_3d.shape[-2]
    fps = (data.fps if isinstance(data, PoseDataset) else None) or FPS
    check_setting(setting)
    if setting == "none" or (setting == "auto" and is_projected(data)):
        return None
    if setting == "auto":
        pairs = pairs_of(data)
        return DetectorNoise.fit(pairs.detected, pairs.true, pairs.confidence, pairs.follows, fps)
    layout = Skeleton.from_num_joints(joints).name
    if setting == "default":
        return DetectorNoise.default(layout, fps)
    return replace(DetectorNoise.load(setting).of_joints(layout), fps=fps)


def check_setting(setting: str, flag: str = "detector_noise", words: tuple[str, ...] = WORDS) -> None:
    """Refuse a noise that is neither a word nor a file."""
    if setting not in words and not Path(setting).is_file():
        raise FileNotFoundError(
            f"--{flag} {setting} is missing: choose from {', '.join(words)}, or give a JSON file of DetectorNoise.save."
        )


def as_detected(batch: PoseBatch, noise: DetectorNoise, generator: torch.Generator) -> PoseBatch:
    """The batch as the detector sees it: other 2D, and its confidences."""
    joints_2d, confidence = noise.apply(batch.joints_2d, generator)
    return replace(batch, joints_2d=joints_2d, confidence=confidence)


_NO_CAMERAS = "Pairs of detected and true 2D need the poses' cameras, but there are none."
