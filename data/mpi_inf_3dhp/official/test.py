"""MPI-INF-3DHP's test set: SPIN's npz or the official annot_data.mat -> annotated frames.

prepare_data_3dhp.py writes them to test_3dhp.npz, data/mpi_inf_3dhp/test_set.py makes recordings of that.

Ground truth is `univ_annot3`: the camera frame, scaled to Human3.6M's universal skeleton, pelvis at the origin, so
there is no depth and no camera. Joints are kept in the official order of 17 and handed on in Human3.6M's order: the
official neck is Human3.6M's Thorax, head is Neck/Nose and head_top is Head (docs/data_3dhp.md shows each joint).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from data.files.archive import shortened
from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.files.readers import load_mat
from data.plausible import check_bodies, check_points, check_thighs
from kinematics.skeleton import Skeleton

SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
SCENES = {"TS1": "GS", "TS2": "GS", "TS3": "noGS", "TS4": "noGS", "TS5": "outdoor", "TS6": "outdoor"}
IMAGE_SIZES = {name: (2048, 2048) if name < "TS5" else (1920, 1080) for name in SEQUENCES}  # width, height
VALID_FRAMES = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}  # 2,929 in all
ACTIVITIES = (
    "Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching", "On The Floor", "Sports", "Miscellaneous",
)  # fmt: skip
FPS = 25.0  # of the videos; the valid frames are about every tenth of them

PELVIS, RIGHT_HIP, RIGHT_KNEE = 14, 8, 9  # official order
# Human3.6M's 17 joints as indices of the official 17, the mapping the field uses
# (14 8 9 10 11 12 13 15 1 16 0 5 6 7 2 3 4); 16 leaves out Neck/Nose.
TO_H36M_17 = [sources[0] for sources in Skeleton("mpi_inf_3dhp_17").sources("h36m_17")]
TO_H36M_16 = TO_H36M_17[:9] + TO_H36M_17[10:]
FROM_H36M_17 = [TO_H36M_17.index(joint) for joint in range(17)]
# The official 17 as indices of SPIN's 24: SPIN stores head_top as "Head" (18) and head as "Jaw" (17).
SPIN_TO_OFFICIAL = [18, 12, 8, 7, 6, 9, 10, 11, 2, 1, 0, 3, 4, 5, 14, 16, 17]

FARTHEST, FARTHEST_PIXEL = 1000.0, 1e6  # metres, pixels


@dataclass
class AnnotatedFrames:
    """Annotated frames of the test set, official joint order.

    joints_3d: (N, 17, 3) metres, universal scale, pelvis at 0; pixels: (N, 17, 2). sequence: (N,) "TS1"...;
    activity: (N,) words, "" where unknown; image: (N,) number of the video frame, from 1; valid: (N,) to be scored.
    """

    joints_3d: Float[np.ndarray, "frames 17 3"]
    pixels: Float[np.ndarray, "frames 17 2"]
    sequence: np.ndarray
    activity: np.ndarray
    image: Int[np.ndarray, "frames"]
    valid: Bool[np.ndarray, "frames"]

    def __len__(self) -> int:
        return len(self.valid)

    def screen(self) -> Float[np.ndarray, "frames 17 2"]:
        """Screen coordinates, x / w * 2 - 1 and y / w * 2 - h / w with each sequence's image size."""
        sizes = np.array([IMAGE_SIZES[name] for name in self.sequence], dtype=np.float64)[:, None]
        width, height = sizes[..., :1], sizes[..., 1:]
        return self.pixels / width * 2 - np.concatenate([np.ones_like(width), height / width], axis=-1)

    def __getitem__(self, chosen: np.ndarray) -> "AnnotatedFrames":
        return AnnotatedFrames(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def read_spin(path: str | Path) -> AnnotatedFrames:
    """SPIN's mpi_inf_3dhp_valid.npz (24 joints, valid frames only, no activities)."""
    content = load_npz_restricted(path, "It is part of SPIN's dataset_extras.tar.gz; docs/data_3dhp.md says more.")
    wanted = {"imgname": ("USO", ("frames",)), "part": ("fiu", ("frames", 24, 3)), "S": ("fiu", ("frames", 24, 4))}
    check_arrays(path, content, wanted, "SPIN's file has 24 joints. Get it again.")
    names = [str(name) for name in content["imgname"]]
    part, pose = (content[key][:, SPIN_TO_OFFICIAL].astype(np.float64) for key in ("part", "S"))
    complete = (part[..., 2] > 0).all(axis=1) & (pose[..., 3] > 0).all(axis=1)
    parsed = [_parse_image_name(path, name) for name in names]
    frames = AnnotatedFrames(
        pose[..., :3] - pose[:, [PELVIS], :3], part[..., :2],
        np.array([sequence for sequence, _ in parsed]), np.full(len(names), "", dtype="<U32"),
        np.array([image for _, image in parsed], dtype=np.int64), complete,
    )  # fmt: skip
    _check(frames, str(path))
    return frames


def _parse_image_name(path: str | Path, name: str) -> tuple[str, int]:
    """mpi_inf_3dhp_test_set/TS1/imageSequence/img_000006.jpg -> ("TS1", 6)."""
    parts = name.replace("\\", "/").split("/")
    sequences = [part for part in parts if part in SEQUENCES]
    digits = "".join(filter(str.isdecimal, parts[-1]))
    if len(sequences) != 1 or not 0 < len(digits) < 10:
        raise ValueError(
            f"{path} has an image {shortened(name)!r}, expected .../TS1/imageSequence/img_000001.jpg: is it a test set?"
        )
    return sequences[0], int(digits)


def read_official(folder: str | Path) -> AnnotatedFrames:
    """The official TS1 ... TS6/annot_data.mat, every annotated frame."""
    folder = Path(folder)
    if (folder / "mpi_inf_3dhp_test_set").is_dir():
        folder = folder / "mpi_inf_3dhp_test_set"
    missing = [name for name in SEQUENCES if not (folder / name / "annot_data.mat").is_file()]
    if missing:
        lacking = ", ".join(f"{name}/annot_data.mat" for name in missing)
        raise FileNotFoundError(f"{folder} lacks {lacking}: the test set is all of TS1 to TS6.")
    parts = [_read_sequence(folder / name / "annot_data.mat", name) for name in SEQUENCES]
    return AnnotatedFrames(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in AnnotatedFrames.__dataclass_fields__)
    )


def _read_sequence(path: Path, sequence: str) -> AnnotatedFrames:
    content = load_mat(path)
    pixels, pose = (_frames_first(path, content, key, size) for key, size in (("annot2", 2), ("univ_annot3", 3)))
    valid, activity = (_per_frame(path, content, key, len(pose)) for key in ("valid_frame", "activity_annotation"))
    if len(pixels) != len(pose):
        raise ValueError(f"{path} has {len(pixels)} frames of 'annot2' and {len(pose)} of 'univ_annot3'. Get it again.")
    words = np.array(["", *ACTIVITIES], dtype="<U32")
    known = np.where((activity >= 1) & (activity <= len(ACTIVITIES)), activity, 0).astype(int)
    frames = AnnotatedFrames(
        (pose - pose[:, [PELVIS]]) / 1000, pixels, np.full(len(pose), sequence),
        words[known], np.arange(1, len(pose) + 1), valid != 0,
    )  # fmt: skip
    _check(frames, str(path))
    return frames


def _frames_first(path: Path, content: dict[str, Any], key: str, size: int) -> np.ndarray:
    """MATLAB's (2|3, 17, 1, F) as (F, 17, 2|3)."""
    array = np.asarray(content.get(key, np.zeros(0)))
    if array.ndim not in (3, 4) or array.shape[:2] != (size, 17) or array.dtype.kind not in "fiu":
        raise ValueError(f"{path} has {key!r} of shape {array.shape}, expected ({size}, 17, 1, frames).")
    return array.reshape(size, 17, -1).transpose(2, 1, 0).astype(np.float64)


def _per_frame(path: Path, content: dict[str, Any], key: str, frames: int) -> np.ndarray:
    array = np.ravel(np.asarray(content.get(key, np.zeros(0))))
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{path} has {key!r} of {array.dtype}, expected a number per frame. Extract it again.")
    if len(array) != frames:
        raise ValueError(f"{path} has {len(array)} entries of {key!r}, expected {frames}, one per frame. Get it again.")
    return array


def _check(frames: AnnotatedFrames, name: str) -> None:
    """Refuse no frames, NaN and other units, of the frames that count."""
    chosen = frames[frames.valid]
    if not len(chosen):
        raise ValueError(f"{name} has no valid frame among {len(frames)}, expected about every tenth. Get it again.")
    if not (np.isfinite(chosen.joints_3d).all() and np.isfinite(chosen.pixels).all()):
        raise ValueError(f"{name} has NaN or infinity in a valid frame. Get it again.")
    check_thighs(chosen.joints_3d, name, (RIGHT_HIP, RIGHT_KNEE), advice="Get it again.")
    for array, most in ((frames.joints_3d, FARTHEST), (frames.pixels, FARTHEST_PIXEL)):
        if (np.abs(array[np.isfinite(array)]) > most).any():
            raise ValueError(f"{name} has values of {np.abs(array).max():.3g} in a frame, expected under {most:g}.")
    valid = [f"{sequence} image {image}" for sequence, image in zip(chosen.sequence, chosen.image, strict=True)]
    advice, called = "Get it again.", valid.__getitem__
    check_bodies(chosen.joints_3d[:, TO_H36M_17], name, origin="the pelvis", advice=advice, called=called)
    check_points(chosen.screen()[:, TO_H36M_17], name, advice=advice, called=called)
    if np.abs(chosen.pixels).max() < 10:
        raise ValueError(
            f"{name} has 2D up to {np.abs(chosen.pixels).max():.3g}, expected pixels: it looks normalised."
        )
