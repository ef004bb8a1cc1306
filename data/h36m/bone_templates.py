"""Bone lengths of Human3.6M's five training subjects, in the file PoseAug and DH-AUG read.

The file's bone order is PoseAug's: bone k ends at joint k + 1 of the 16 joints, that is Skeleton("h36m_16").bones:
RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Head LShoulder LElbow LWrist RShoulder RElbow RWrist.
The body of kinematics/ has an order of its own; `reordered` goes from one to the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data.files.npz import load_npy_restricted
from data.files.present import require_file
from data.h36m.names import TRAIN_SUBJECTS
from kinematics.skeleton import Skeleton

TEMPLATES_FILE = "bone_length_npy/hm36s15678_bl_templates.npy"
POSEAUG_BONES: list[tuple[int, int]] = Skeleton("h36m_16").bones
LENGTH_RANGE = (0.03, 0.8)  # metres: shorter or longer is another unit
HOW_TO_MAKE = "Make it with: python -m data.prepare_data_h36m --help"


def bone_lengths_of(joints: Float[np.ndarray, "frames 16 3"]) -> Float[np.ndarray, "15"]:
    """One subject's bone lengths (metres, PoseAug's order): the median over all frames.

    The median, because thorax-head and thorax-shoulder are not rigid and a glitch must not count.
    """
    parents, children = np.array(POSEAUG_BONES).T
    return np.median(np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1), axis=0)


def subject_templates(joints_by_subject: Mapping[str, Float[np.ndarray, "frames 16 3"]]) -> Float[np.ndarray, "5 15"]:
    """The rows S1, S5, S6, S7, S8 of the templates file, float32 metres."""
    return np.stack([bone_lengths_of(joints_by_subject[s]) for s in TRAIN_SUBJECTS]).astype(np.float32)


def reordered(
    lengths: Float[np.ndarray, "*rows 15"], bones: Sequence[tuple[int, int]]
) -> Float[np.ndarray, "*rows2 15"]:
    """Lengths in PoseAug's order, put in the order of `bones`: 15 (parent, child) pairs of the 16 joints."""
    return lengths[..., [POSEAUG_BONES.index((int(parent), int(child))) for parent, child in bones]]


def load_bone_templates(
    data_extra_root: str | Path, bones: Sequence[tuple[int, int]] = POSEAUG_BONES
) -> Float[np.ndarray, "subjects 15"]:
    """The templates file: one row per body, metres, in the order of `bones`."""
    path = require_file(Path(data_extra_root) / TEMPLATES_FILE, HOW_TO_MAKE)
    lengths = np.asarray(load_npy_restricted(path))
    if lengths.ndim == 3 and lengths.shape[-1] == 1:  # some copies carry a last axis of one
        lengths = lengths[..., 0]
    if lengths.ndim != 2 or lengths.shape[1] != len(POSEAUG_BONES) or lengths.dtype.kind != "f" or not len(lengths):
        raise ValueError(f"{path} has shape {lengths.shape}, expected (bodies, 15) float lengths. {HOW_TO_MAKE}")
    low, high = LENGTH_RANGE
    if not ((lengths > low) & (lengths < high)).all():
        raise ValueError(
            f"{path} has lengths of {lengths.min():.4g} to {lengths.max():.4g}, not {low} to {high} m. {HOW_TO_MAKE}"
        )
    return reordered(lengths, bones).astype(np.float32)
