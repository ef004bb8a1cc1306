"""Bone lengths of Human3.6M's five training subjects, for the file that PoseAug and DH-AUG read.

The file's bone order is PoseAug's: bone k ends at joint k + 1 of the 16 joints, that is Skeleton("h36m_16").bones:
RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Head LShoulder LElbow LWrist RShoulder RElbow RWrist.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from data.h36m.names import TRAIN_SUBJECTS
from kinematics.skeleton import Skeleton

TEMPLATES_FILE = "bone_length_npy/hm36s15678_bl_templates.npy"
POSEAUG_BONES: list[tuple[int, int]] = Skeleton("h36m_16").bones


def bone_lengths_of(joints: Float[np.ndarray, "frames 16 3"]) -> Float[np.ndarray, "15"]:
    """One subject's bone lengths (metres, PoseAug's order): the median over all frames.

    The median, because thorax-head and thorax-shoulder are not rigid and a glitch must not count.
    """
    parents, children = np.array(POSEAUG_BONES).T
    return np.median(np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1), axis=0)


def subject_templates(joints_by_subject: Mapping[str, Float[np.ndarray, "frames 16 3"]]) -> Float[np.ndarray, "5 15"]:
    """The rows S1, S5, S6, S7, S8 of the templates file, float32 metres."""
    return np.stack([bone_lengths_of(joints_by_subject[s]) for s in TRAIN_SUBJECTS]).astype(np.float32)
