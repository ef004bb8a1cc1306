"""Pairs of detected and true 2D from a data set, and the detector noise of a run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from augment.detector_noise.model import FPS, DetectorNoise
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.multiview.dataset import MultiViewDataset, Poses
from kinematics import Skeleton

WORDS = ("auto", "none", "default")
MOST_POSES, RUN = 50_000, 250  # a noise is fitted to at most so many, in runs of frames, spread evenly over the data
LONGEST_RUN, FRAMES_AT_ONCE = 256, 1 << 15  # what a detector's error is drawn for: correlating costs T x T a run
SAME = 1e-4  # screen units, a twentieth of a pixel of Human3.6M: what projecting again may differ by


class Pairs(NamedTuple):
    """Detected and true 2D (N, J, 2) screen, confidence (N, J) or None; follows: (N,) bool, the frame after."""

    detected: Tensor
    true: Tensor
    confidence: Tensor | None
    follows: Tensor


def detection_pairs(data: Poses | PoseBatch) -> Pairs:
    """Pair the 2D with the projection of the 3D, every view by itself, without unrecorded frames; needs cameras."""
    if not isinstance(data, PoseBatch):
        return _pairs_from_dataset(_single_views(data))
    if data.camera is None:
        raise ValueError(_NO_CAMERAS)
    data = data.one_by_one()
    assert data.camera is not None
    follows = torch.ones(data.joints_2d.shape[:2], dtype=torch.bool, device=data.source.device)
    follows[:, 0] = False
    confidence = None if data.confidence is None else data.confidence.flatten(0, 1)
    true = data.camera.project(data.joints_3d)
    pairs = Pairs(data.joints_2d.flatten(0, 1), true.flatten(0, 1), confidence, follows.flatten())
    return _recorded(pairs, data.visible.any(dim=-1).flatten())


def _pairs_from_dataset(data: PoseDataset) -> Pairs:
    if data.cameras is None:
        raise ValueError(_NO_CAMERAS)
    follows, indices = data.follows(), torch.arange(len(data), device=data.device)
    if len(data) > MOST_POSES:
        starts = torch.linspace(0, len(data) - RUN, MOST_POSES // RUN, dtype=torch.float64).long().to(data.device)
        indices = (starts[:, None] + torch.arange(RUN, device=data.device)).flatten()
        follows[starts] = False
    frames = data.sample[indices]
    true = data.cameras[data.camera_of_sample[indices]].project(data.joints_3d[frames][:, None])[:, 0]
    confidence = None if data.confidence is None else data.confidence[frames]
    pairs = Pairs(data.joints_2d[frames], true, confidence, follows[indices])
    return pairs if data.present is None else _recorded(pairs, data.present[frames])


def _recorded(pairs: Pairs, present: Tensor) -> Pairs:
    """The pairs that are there. present: (N,) bool."""
    if present.all():
        return pairs
    follows = pairs.follows.clone()
    follows[1:] &= present[:-1]
    confidence = None if pairs.confidence is None else pairs.confidence[present]
    return Pairs(pairs.detected[present], pairs.true[present], confidence, follows[present])


def _single_views(data: Poses) -> PoseDataset:
    return data.flat if isinstance(data, MultiViewDataset) else data


def is_projected(data: Poses | PoseBatch) -> bool:
    """Whether the 2D is the projection of the 3D, and no detection. Without cameras nobody can tell: True."""
    cameras = data.camera if isinstance(data, PoseBatch) else _single_views(data).cameras
    if cameras is None or not len(data):
        return True
    pairs = detection_pairs(data)
    return float((pairs.detected - pairs.true).abs().median()) < SAME


def build_detector_noise(setting: str, data: Poses | PoseBatch, screen: Skeleton | None = None) -> DetectorNoise | None:
    """The noise that a setting means for a lifter that learns from `data`. setting: auto, none, default or a file.

    screen: layout of the joints that are detected; None: the data's.
    """
    data = data if isinstance(data, PoseBatch) else _single_views(data)
    fps = (data.fps if isinstance(data, PoseDataset) else None) or FPS
    check_setting(setting)
    if setting == "none" or (setting == "auto" and is_projected(data)):
        return None
    if setting == "auto":
        pairs = detection_pairs(data)
        return DetectorNoise.fit(pairs.detected, pairs.true, pairs.confidence, pairs.follows, fps)
    layout = (screen or Skeleton.from_num_joints(data.joints_3d.shape[-2])).name
    if setting == "default":
        return DetectorNoise.default(layout, fps)
    return replace(DetectorNoise.load(setting).of_joints(layout), fps=fps)


def check_setting(setting: str, flag: str = "detector_noise", words: tuple[str, ...] = WORDS) -> None:
    """Refuse a noise that is neither a word nor a file."""
    if setting not in words and not Path(setting).is_file():
        raise FileNotFoundError(
            f"--{flag} {setting}: there is no such file. Choose from {', '.join(words)}, or give a JSON file of "
            "DetectorNoise.save."
        )


def as_projected(batch: PoseBatch) -> PoseBatch:
    """Project the 3D of a batch again: what its cameras see without any detector."""
    if batch.camera is None:
        raise ValueError(_NO_CAMERAS)
    return replace(batch, joints_2d=batch.camera.project(batch.joints_3d), confidence=None)


def as_detected(batch: PoseBatch, noise: DetectorNoise, generator: torch.Generator) -> PoseBatch:
    """Put detector noise on the 2D of a batch, seen in its layout, with confidences; every view has other errors."""
    batch = batch.seen_as(Skeleton(noise.skeleton))
    screen = batch.joints_2d
    joints_2d, confidence = noise.apply(screen.flatten(0, -4), generator)  # (B V, T, J, ...)
    return replace(batch, joints_2d=joints_2d.reshape(screen.shape), confidence=confidence.reshape(screen.shape[:-1]))


def detected_dataset(data: Poses, noise: DetectorNoise, seed: int) -> Poses:
    """See a data set through a detector, once. Errors go on within each view of a clip, for LONGEST_RUN frames."""
    if isinstance(data, MultiViewDataset):
        flat = detected_dataset(data.flat, noise, seed)
        return data.replaced(joints_2d=flat.joints_2d, confidence=flat.confidence)
    data = data.seen_as(Skeleton(noise.skeleton))
    generator = torch.Generator().manual_seed(seed)
    joints_2d = data.joints_2d.clone()
    confidence = torch.ones_like(joints_2d[..., 0]) if data.confidence is None else data.confidence.clone()
    for first, lengths in _runs(data):
        frame = torch.arange(int(lengths.amax()), device=data.device)
        indices = first[:, None] + torch.minimum(frame, lengths[:, None] - 1)  # the ends of short runs are repeated
        seen, certainty = noise.apply(data.joints_2d[indices], generator)
        recorded = frame < lengths[:, None]
        if data.present is not None:
            recorded = recorded & data.present[indices]
        joints_2d[indices[recorded]] = seen[recorded]
        confidence[indices[recorded]] = certainty[recorded].to(confidence.dtype)
    return data.replaced(joints_2d=joints_2d, confidence=confidence)


def _runs(data: PoseDataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut clips into runs of at most LONGEST_RUN frames, some at a time: first frames (R,) and lengths (R,)."""
    first, last = torch.stack([data.first, data.last]).unique(dim=1)
    count = (last - first) // LONGEST_RUN + 1
    clip = torch.repeat_interleave(count)
    number = torch.arange(len(clip), device=clip.device) - (count.cumsum(0) - count)[clip]
    starts = first[clip] + LONGEST_RUN * number
    lengths = (last[clip] + 1 - starts).clamp_max(LONGEST_RUN)
    order = lengths.argsort(descending=True, stable=True)
    while len(order):
        some = FRAMES_AT_ONCE // int(lengths[order[0]])
        yield starts[order[:some]], lengths[order[:some]]
        order = order[some:]


_NO_CAMERAS = "Pairs of detected and true 2D need the poses' cameras, but there are none."
