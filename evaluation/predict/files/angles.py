"""angles.csv: the joint angles of the DH body that fits each frame, named and signed as clinicians do."""

import csv
import io
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from evaluation.predict.files.bvh import BVH_LAYOUT
from evaluation.predict.files.pieces import times
from evaluation.predict.lifted import LiftedClip
from kinematics import JOINT_ANGLES, joint_angles_from_joints
from kinematics.limits import motion_of

COUNTED = (
    "flexion",
    "abduction",
    "internal rotation",
)  # these are positive in the file, whichever way the body's angle counts


def angle_columns() -> list[tuple[str, str, int]]:
    """List each joint angle's joint, its motion in words, and 1 or -1: the sign that makes that motion positive."""
    columns = []
    for angle in JOINT_ANGLES:
        positive, negative = motion_of(angle)
        sign = -1 if negative in COUNTED else 1
        joint = angle if angle.endswith(("knee", "elbow")) else angle.rpartition("_")[0]
        columns.append((joint, positive if sign > 0 else negative, sign))
    return columns


def clip_angles(clip: LiftedClip) -> Float[np.ndarray, "frames 28"]:
    """Compute the angles of angle_columns of the DH body that fits each frame best, degrees."""
    joints = torch.from_numpy(clip.skeleton.convert(clip.joints_world, BVH_LAYOUT)).double()
    signs = [sign for _, _, sign in angle_columns()]
    return joint_angles_from_joints(joints).joint_angles.rad2deg().numpy() * signs


def angles_csv(clip: LiftedClip) -> str:
    """Write the table: a row per frame."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    names = [f"{joint}_{motion.replace(' ', '_')}_deg" for joint, motion, _ in angle_columns()]
    table.writerow(["frame", "time_s", "piece", *names])
    for number, time, piece, row in zip(clip.frames, times(clip), clip.pieces, clip_angles(clip), strict=True):
        table.writerow([number, f"{time:.6f}", piece + 1, *(f"{angle:.2f}" for angle in row)])
    return text.getvalue()


def write_angles(clip: LiftedClip, folder: Path) -> list[str]:
    """angles.csv: a row per frame; its name. Prints the range of every joint."""
    (folder / "angles.csv").write_text(angles_csv(clip), newline="")
    angles, columns = clip_angles(clip), angle_columns()
    print("Joint angles in degrees, 5 % to 95 % of the frames:")
    moves = np.abs(angles).max(axis=0) > 0.01  # some are 0 by definition: kinematics/inverse.py
    ranges = np.percentile(angles, [5, 95], axis=0).round().astype(int).T
    for joint in dict.fromkeys(joint for joint, _, _ in columns):
        motions = [
            f"{name} {low} to {high}"
            for (of, name, _), (low, high), shown in zip(columns, ranges, moves, strict=True) if of == joint and shown
        ]  # fmt: skip
        if motions:
            print(f"  {joint.replace('_', ' ')}: {', '.join(motions)}")
    return ["angles.csv"]
