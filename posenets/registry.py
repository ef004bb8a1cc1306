"""Lifters by name."""

import difflib
import inspect
from typing import Any

from posenets.base import PoseNet
from posenets.sem_gcn import SemGCN
from posenets.simple_baseline import SimpleBaseline
from posenets.videopose import VideoPose

_CLASSES: dict[str, type[PoseNet]] = {net.name: net for net in (VideoPose, SimpleBaseline, SemGCN)}
LIFTERS = tuple(_CLASSES)
ALIASES = {"mlp": "simple_baseline", "gcn": "sem_gcn", "mulit_farme_videopose": "videopose"}  # as DH-AUG spells it

# DH-AUG's and PoseAug's single-frame networks; the defaults of build_posenet are those of the lifters' own papers.
DH_AUG_SIZES: dict[str, dict[str, Any]] = {
    "videopose": dict(filter_widths=[1] * 5, channels=1024, dropout=0.25, predict_hip=False),
    "simple_baseline": dict(linear_size=1024, num_stage=4, dropout=0.25, predict_hip=False),
    "sem_gcn": dict(hid_dim=128, num_layers=4, dropout=0.25),
}


def lifter_name(name: str) -> str:
    """The one name of a lifter, from a name or an alias."""
    if name in _CLASSES:
        return name
    if name in ALIASES:
        return ALIASES[name]
    raise ValueError(f"posenet_name {name}: choose from {', '.join(LIFTERS)}.{_nearest(name, [*LIFTERS, *ALIASES])}")


def build_posenet(name: str, num_joints: int = 16, frames: int = 1, **sizes: Any) -> PoseNet:
    """A new lifter: (B, frames, num_joints, 2) screen -> (B, num_joints, 3) metres.

    name: one of LIFTERS or ALIASES. sizes: keywords of the lifter's class; without them, the published ones.
    """
    lifter = _CLASSES[lifter_name(name)]
    known = list(inspect.signature(lifter).parameters)[1:]
    for size in sizes:
        if size not in known:
            hint = _nearest(size, known)
            raise ValueError(f"{lifter.name} has no size {size}: choose from {', '.join(known)}.{hint}")
    if lifter is VideoPose and frames != 1:
        sizes.setdefault("filter_widths", _widths_of(frames))
    posenet = lifter(num_joints, **sizes)
    if frames not in (1, posenet.frames):
        raise ValueError(f"{lifter.name} with these sizes reads {posenet.frames} frame(s), but frames is {frames}.")
    return posenet


def _widths_of(frames: int) -> list[int]:
    """Filters of width 3 whose product is the number of frames, as VideoPose3D has them: 27 -> 3, 3, 3."""
    widths, left = [], frames
    while left > 1 and left % 3 == 0:
        widths.append(3)
        left //= 3
    if left != 1:
        raise ValueError(f"frames is {frames}, expected a power of 3 (1, 3, 9, 27, ...): or give filter_widths.")
    return widths


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f" Perhaps you meant: {near[0]}" if near else ""
