"""Plain arrays of pixels: npy of (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3). NaN: not found."""

from pathlib import Path

import numpy as np

from data.files.npz import load_npy_restricted
from data.keypoints.clip import number_array
from data.keypoints.labels import Place
from data.keypoints.raw import RawClip, number_table
from data.keypoints.registry import Format
from kinematics.errors import PoseFKError

# 17 joints are COCO's or Human3.6M's, and 16 Human3.6M's or MPII's: the user says which, or the check of bodies
LAYOUTS_BY_COUNT = {16: "h36m_16", 18: "openpose_18", 25: "body_25", 26: "halpe_26", 33: "mediapipe_33"}


def read(raw: RawClip, content: Path, place: Place) -> None:
    """Add the people of an npy file."""
    add_array(raw, number_array(load_npy_restricted(content), str(content)), place)


def add_array(raw: RawClip, pixels: np.ndarray, place: Place) -> None:
    """Add the people of (frames, [people,] joints, 2 to 4). Somebody all NaN is not there."""
    if pixels.ndim not in (3, 4) or pixels.shape[-1] not in (2, 3, 4) or not pixels.size:
        raise PoseFKError(
            f"{raw.path} has an array of shape {pixels.shape}, expected (frames, joints, 2 or 3): x, y and score, in "
            "pixels; several people: (frames, people, joints, 2 or 3)."
        )
    for number, people in enumerate(pixels[:, None] if pixels.ndim == 3 else pixels):
        at = Place(place.video, number)
        raw.frames.append(at)
        for person in people:
            if not np.isnan(person[:, :2]).any(axis=1).all():
                where = f"{raw.path}, frame {number}"
                raw.add(at, number_table(person, where), where)


FORMAT = Format(
    "npy", read, None, "(frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), pixels",
    "by joint count; 17: `--layout`", "no / no", LAYOUTS_BY_COUNT, (".npy",),
)  # fmt: skip
