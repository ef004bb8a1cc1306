"""MPI-INF-3DHP's prepared training file <-> recordings of eight synchronised views.

The npz holds plain arrays: camera_names (V,), joint_names (17,), sequences (S,), and of every sequence "S1/Seq1/...":
joints_3d (V, F, 17, 3) metres, each camera's frame; joints_2d (V, F, 17, 2) screen; orientation_wxyz (V, 4),
translation (V, 3) metres, intrinsics (V, 9), aspect (V,), as kinematics.Camera has them, world z up.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.data_source import DataSource, choose, refuse_shared
from data.files.archive import shortened
from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.mpi_inf_3dhp.official.train import LAYOUT, training_recording
from data.mpi_inf_3dhp.test_set import SPARSE, VIDEO, load_test_set
from data.plausible import check_bodies, check_cameras, check_points, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View
from kinematics.camera import Camera
from kinematics.skeleton import Skeleton

TRAIN_FILE = "data_3dhp_train.npz"
HOW_TO_MAKE = "Make it with: python prepare_data_3dhp.py --train FOLDER"
TRAIN_SUBJECTS = ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
VALIDATION_SUBJECTS, TEST_SUBJECTS = ("S7",), ("S8",)
FPS = 25.0  # of every recording that `load` hands out
_CAMERA = {"orientation_wxyz": 4, "translation": 3, "intrinsics": 9}


def load(settings: DataSettings) -> DataSplits:
    """Training recordings (S1 to S6), validation (S7) and the test "3dhp_s8" (S8), all before the eight cameras.

    Sequences of 50 frames a second are thinned to the 25 of the others; settings.downsample thins the training further.
    """
    if settings.keypoints != "gt":
        raise ValueError(f"keypoints is {settings.keypoints!r}, but mpi_inf_3dhp comes with its own 2D alone: gt.")
    recordings = load_train_recordings(replace(settings, subjects_train=(), downsample=1))
    fast = sum(recording.fps > FPS for recording in recordings)
    recordings = [recording.thinned(round(recording.fps / FPS)) for recording in recordings]
    choose("Action", settings.actions, sorted({recording.action for recording in recordings}))
    known = sorted({recording.subject for recording in recordings})
    choose("Subject", [*settings.subjects_train, *settings.subjects_test], known)
    train, test = settings.subjects_train or TRAIN_SUBJECTS, settings.subjects_test or TEST_SUBJECTS
    train = tuple(subject for subject in train if settings.subjects_train or subject not in test)
    refuse_shared(train, test)
    recordings = [recording for recording in recordings if not settings.actions or recording.action in settings.actions]
    held_out = [subject for subject in VALIDATION_SUBJECTS if subject in train]
    learned = [subject for subject in train if not (settings.hold_out_validation and subject in held_out)]
    training, validation, tested = (
        [one for one in recordings if one.subject in subjects] for subjects in (learned, held_out, test)
    )
    if not tested:
        raise ValueError(
            f"MPI-INF-3DHP has nothing to test on: no recording of {', '.join(test)} is left of {', '.join(known)}. "
            "Prepare it, or name another subject to test on (subjects_test)."
        )
    training = [recording.thinned(settings.downsample) for recording in training]
    notes = [
        "3dhp_s8 is S8 of MPI-INF-3DHP's training set (true size, the training cameras): no published score is of it."
    ]
    if missing := sorted({*train, *test} - {*known}):
        notes.append(f"MPI-INF-3DHP is not complete: {', '.join(missing)} not in {TRAIN_FILE}.")
    if fast:
        notes.append(f"MPI-INF-3DHP: sequences of 50 frames a second ({fast}) are thinned to {FPS:g}.")
    if not training:
        notes.append("MPI-INF-3DHP training is empty: the subjects and actions asked for leave no recording.")
    return DataSplits(training, validation, {"3dhp_s8": tested}, notes)


def load_train_recordings(settings: DataSettings) -> list[Recording]:
    """One recording per sequence, eight views each, of `settings.num_joints` joints in Human3.6M's order.

    settings.subjects_train chooses subjects (empty: all in the file), settings.downsample thins.
    """
    path = Path(settings.data_root) / TRAIN_FILE
    content = load_npz_restricted(path, HOW_TO_MAKE)
    check_arrays(path, content, {"sequences": ("U", ("sequences",)), "camera_names": ("U", ("cameras",))}, HOW_TO_MAKE)
    layout = Skeleton.from_num_joints(settings.num_joints).name
    sequences = [str(name) for name in content["sequences"]]
    if odd := [name for name in sequences if len(name.split()) != 2]:
        raise ValueError(f"{path} has a sequence {shortened(odd[0])!r}, expected names like 'S1 Seq1'. {HOW_TO_MAKE}")
    choose(f"{path}: subject", settings.subjects_train, sorted({name.split()[0] for name in sequences}))
    wanted = [name for name in sequences if not settings.subjects_train or name.split()[0] in settings.subjects_train]
    return [
        training_recording(name, _views(path, content, name, layout)).thinned(settings.downsample) for name in wanted
    ]


def arrays(recordings: list[Recording]) -> dict[str, np.ndarray]:
    """What data_3dhp_train.npz holds."""
    content = {
        "camera_names": np.array([view.camera_name for view in recordings[0].views]),
        "joint_names": np.array(Skeleton(LAYOUT).joints),
        "sequences": np.array([recording.group["sequence"] for recording in recordings]),
    }
    for recording in recordings:
        prefix = recording.group["sequence"].replace(" ", "/")
        cameras = Camera.stack([view.camera for view in recording.views if view.camera is not None])
        members = {name: values.numpy() for name, values in vars(cameras).items()}
        for name in ("joints_3d", "joints_2d"):
            members[name] = np.stack([getattr(view, name) for view in recording.views])
        content |= {f"{prefix}/{name}": values for name, values in members.items()}
    return content


def _views(path: Path, content: dict[str, Any], sequence: str, layout: str) -> tuple[View, ...]:
    names = [str(name) for name in content["camera_names"]]
    prefix, joints = sequence.replace(" ", "/"), Skeleton(LAYOUT).num_joints
    shapes = {key: (len(names), size) for key, size in _CAMERA.items()} | {"aspect": (len(names),)}
    shapes |= {f"joints_{size}d": (len(names), "frames", joints, size) for size in (3, 2)}
    check_arrays(path, content, {f"{prefix}/{key}": ("f", shape) for key, shape in shapes.items()}, HOW_TO_MAKE)
    members = {key: content[f"{prefix}/{key}"] for key in shapes}
    if odd := [key for key, values in members.items() if not np.isfinite(values).all()]:
        raise ValueError(f"{path} has NaN or infinity in '{prefix}/{odd[0]}'. {HOW_TO_MAKE}")
    check_thighs(members["joints_3d"][0], f"{path}: {sequence}", advice=HOW_TO_MAKE)
    cameras = Camera(*(torch.from_numpy(members[key]).float() for key in (*_CAMERA, "aspect")))
    check_cameras(cameras, f"{path}: {sequence}", advice=HOW_TO_MAKE)
    for name, joints_3d, joints_2d in zip(names, members["joints_3d"], members["joints_2d"], strict=True):
        where = f"{path}: {sequence}, camera {name}"
        check_bodies(joints_3d, where, origin="the camera", advice=HOW_TO_MAKE)
        check_points(joints_2d, where, advice=HOW_TO_MAKE)
    poses, screen = (
        Skeleton(LAYOUT).convert(members[key], layout).astype(np.float32) for key in ("joints_3d", "joints_2d")
    )
    return tuple(View(name, cameras[i], poses[i], screen[i]) for i, name in enumerate(names))


MPI_INF_3DHP = DataSource(
    load,
    views=8,
    test_sets=("3dhp_s8",),
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    standalone_test_sets={VIDEO: load_test_set, SPARSE: load_test_set},
    required_files=lambda settings: [Path(settings.data_root) / TRAIN_FILE],
    how_to_make=HOW_TO_MAKE,
)
