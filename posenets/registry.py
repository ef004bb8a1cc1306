"""Lifters by name."""

import difflib
import inspect
from collections.abc import Sequence
from typing import Any

from posenets.base import PoseNet
from posenets.esmformer import ESMformer
from posenets.poseformer import PoseFormer
from posenets.sem_gcn import SemGCN
from posenets.seq2seq import Seq2Seq
from posenets.simple_baseline import SimpleBaseline
from posenets.st_gcn import STGCN
from posenets.videopose import VideoPose

_CLASSES: dict[str, type[PoseNet]] = {
    net.name: net for net in (VideoPose, SimpleBaseline, SemGCN, STGCN, PoseFormer, Seq2Seq, ESMformer)
}
# These read several cameras at a time; the others, LIFTERS, one.
MULTI_VIEW_LIFTERS = ("esmformer",)
LIFTERS = tuple(name for name in _CLASSES if name not in MULTI_VIEW_LIFTERS)
ALIASES = {
    "mlp": "simple_baseline", "martinez": "simple_baseline", "gcn": "sem_gcn", "stgcn": "st_gcn",
    "mulit_farme_videopose": "videopose", "mulit_farme_poseformer": "poseformer",  # as DH-AUG spells it
}  # fmt: skip

# DH-AUG's and PoseAug's networks, of a single frame where there are several; the defaults of build_posenet are those of
# the lifters' own papers. They have neither seq2seq nor esmformer.
DH_AUG_SIZES: dict[str, dict[str, Any]] = {
    "videopose": dict(filter_widths=[1] * 5, channels=1024, dropout=0.25, predict_hip=False),
    "simple_baseline": dict(linear_size=1024, num_stage=4, dropout=0.25, predict_hip=False),
    "sem_gcn": dict(hid_dim=128, num_layers=4, dropout=0.25),
    "st_gcn": dict(hid_dim=128, num_layers=3),
    "poseformer": dict(embed_dim_ratio=32, depth=4, num_heads=8, mlp_ratio=2.0),
    "seq2seq": {},
    "esmformer": {},
}


def dh_aug_sizes(name: str, frames: int = 1, filter_widths: Sequence[int] = ()) -> dict[str, Any]:
    """DH-AUG's sizes of a lifter of so many frames: its multi-frame VideoPose has all joints out."""
    sizes = dict(DH_AUG_SIZES[lifter_name(name)])
    if lifter_name(name) == "videopose" and frames != 1:
        sizes.update(filter_widths=list(filter_widths) or filter_widths_of(frames), predict_hip=True)
    return sizes


def lifter_name(name: str) -> str:
    """The one name of a lifter, from a name or an alias."""
    if name in _CLASSES:
        return name
    if name in ALIASES:
        return ALIASES[name]
    hint = _nearest(name, [*_CLASSES, *ALIASES])
    raise ValueError(f"posenet_name {name}: choose from {', '.join(_CLASSES)}.{hint}")


def build_posenet(name: str, num_joints: int = 16, frames: int = 1, **sizes: Any) -> PoseNet:
    """A new lifter: (B, frames, num_joints, in_features) screen -> (B, num_joints, 3) metres.

    Of several views the input is (B, views, frames, num_joints, in_features).
    name: one of LIFTERS, MULTI_VIEW_LIFTERS or ALIASES. sizes: keywords of the lifter's class; without them, the
    published ones.
    """
    lifter = _CLASSES[lifter_name(name)]
    parameters = inspect.signature(lifter).parameters
    known = [size for size in parameters if size not in ("num_joints", "frames")]
    for size in sizes:
        if size not in known:
            hint = _nearest(size, known)
            raise ValueError(f"{lifter.name} has no size {size}: choose from {', '.join(known)}.{hint}")
    if lifter is VideoPose and frames != 1 and "filter_widths" not in sizes:
        sizes["filter_widths"] = filter_widths_of(frames)
    if "frames" in parameters:
        sizes["frames"] = frames
    posenet = lifter(num_joints, **sizes)
    if frames not in (1, posenet.frames):
        of_clips = [one for one in LIFTERS if "frames" in inspect.signature(_CLASSES[one]).parameters]
        raise ValueError(
            f"{lifter.name} with these sizes reads {posenet.frames} frame(s), but frames is {frames}: leave it out, or "
            f"choose a lifter of clips: videopose, {', '.join(of_clips)}."
        )
    return posenet


def filter_widths_of(frames: int, blocks: int = 0) -> list[int]:
    """Filters of width 3 whose product is the number of frames, as VideoPose3D has them: 27 -> 3, 3, 3.

    blocks: number of filters, those beyond the needed ones 1 wide; 0: just the needed ones.
    """
    widths, left = [], frames
    while left > 1 and left % 3 == 0:
        widths.append(3)
        left //= 3
    if left != 1:
        raise ValueError(f"frames is {frames}, expected a power of 3 (1, 3, 9, 27, ...): or give filter_widths.")
    if blocks and blocks < len(widths):
        raise ValueError(f"{frames} frames need {len(widths)} filters of width 3, but there are to be {blocks}.")
    return widths + [1] * (blocks - len(widths))


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f" Perhaps you meant: {near[0]}" if near else ""
