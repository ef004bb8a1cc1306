"""HumanEva-I in VideoPose3D's files: data_3d_humaneva15.npz and data_2d_humaneva15_<keypoints>.npz -> recordings.

Trained and tested as VideoPose3D does: on Train/S1 to S3, then on Validate/S1 to S3, which are other stretches of the
same people; 60 frames a second inside each chunk ("Walking 1 chunk0"), between which frames are missing.

The joints are those of layout humaneva_15, ends of the body model's limbs: Hip is the lower end of the torso, Thorax
the middle of the torso's upper and the head's lower end, Head the upper end of the head; elbows and knees are the
middle of both limbs' ends. There is no spine: a lifter of 16 joints gets one that is made up, and not scored.

The files hold no cameras. Where they stand is what VideoPose3D's loader has (from HumanEva's calibration); the lenses
are found from the 2D that is known to be projected, data_2d_humaneva15_gt.npz.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from data.cmu.quality import glitch_frames
from data.data_source import DataSource, choose
from data.domains.bodies import detections, in_layout
from data.files.members import described, is_list, recordings_of, table
from data.files.npz import load_npz_restricted
from data.keypoints.gaps import GapCount, mend, mend_together
from data.plausible import check_bodies, check_points, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View, view_from_world
from kinematics.camera import Camera, pixels_to_screen, project_to_2d
from kinematics.skeleton import Skeleton

BODY, COCO = Skeleton("humaneva_15"), Skeleton("coco_17")
PEOPLE, CAMERA_NAMES = ("S1", "S2", "S3"), ("C1", "C2", "C3")
SIZE, FPS = (640, 480), 60.0
HOW_TO_GET = "docs/data_more.md says where VideoPose3D's HumanEva files come from."
MOST_POINTS = 2000  # that a lens is found from
PROJECTED = 0.01  # half image widths, median, by which the given 2D may miss the 3D: three pixels
# orientation (w x y z, camera axes to world) and place (millimetres) of C1, C2 and C3
_S1 = (
    (0.424207, -0.4983646, -0.5802981, 0.4847012, 4062.227, 663.2477, 1528.397),
    (0.6503354, -0.7481602, -0.0919284, 0.0941766, 844.8131, -3805.2092, 1504.9929),
    (0.0664734, -0.0690535, 0.7416416, -0.6639132, -797.67377, 3916.3174, 1433.6602),
)
_S2 = (
    (0.4214752, -0.4961493, -0.5838273, 0.4851187, 4112.9121, 626.4929, 1545.2988),
    (0.6501393, -0.7476588, -0.0954617, 0.0959808, 923.574, -3877.9243, 1504.5518),
    (0.0699353, -0.0712403, 0.7421637, -0.662742, -781.4915, 3838.8853, 1444.9929),
)
CAMERA_POSES = {"S1": _S1, "S2": _S2, "S3": _S1}
Chunks = dict[tuple[str, str], np.ndarray]  # (part of the data and person, chunk) -> (F, 15, 3) metres, world


def load(settings: DataSettings) -> DataSplits:
    """Training recordings and the test "humaneva"; nobody is held out. num_joints: 15, or to be tested on 16 or 17."""
    if settings.num_joints not in (15, 16, 17):
        raise ValueError(f"num_joints is {settings.num_joints}, but HumanEva is read as 15, 16 or 17 joints.")
    chunks, notes = _read_3d(settings), ["HumanEva: the people tested on are those trained on, as in VideoPose3D."]
    cameras = _cameras(settings, chunks, notes)
    keypoints = None if settings.keypoints == "gt" else _read_2d(settings, settings.keypoints)
    layout = Skeleton.from_num_joints(settings.num_joints)
    parts = {}
    for part, asked in (("Train", settings.subjects_train), ("Validate", settings.subjects_test)):
        choose("HumanEva: subject", asked, PEOPLE)
        count, mended = GapCount(), mend if settings.views == 1 else mend_together
        recordings = [
            piece
            for recording in _recordings(part, asked or PEOPLE, settings.actions, chunks, cameras, keypoints, layout)
            if len(recording.views) >= settings.views
            for piece in mended(recording, settings.max_gap, count)
        ]
        parts[part] = recordings
        notes += count.notes(f"{settings.keypoints}, HumanEva {part}", settings.max_gap)
    if not parts["Validate"]:
        raise ValueError("HumanEva's test is empty: the subjects and actions asked for leave no chunk.")
    if made_up := [joint for joint in layout.joints if joint not in BODY.joints]:
        notes.append(f"HumanEva has no {' and no '.join(made_up)}: made up for the lifter, and not scored.")
    train = [recording.thinned(settings.downsample) for recording in parts["Train"]]
    return DataSplits(train, [], {"humaneva": parts["Validate"]}, notes)


def path_3d(settings: DataSettings) -> Path:
    return Path(settings.data_root) / "data_3d_humaneva15.npz"


def path_2d(settings: DataSettings, keypoints: str) -> Path:
    return Path(settings.data_root) / f"data_2d_humaneva15_{keypoints}.npz"


def _read_3d(settings: DataSettings) -> Chunks:
    """Every labelled chunk, checked, float64."""
    path = path_3d(settings)
    chunks: Chunks = {}
    for subject, recorded in recordings_of(
        path, load_npz_restricted(path, HOW_TO_GET), "positions_3d", HOW_TO_GET
    ).items():
        if subject.partition("/")[0] not in ("Train", "Validate") or subject.rpartition("/")[2] not in PEOPLE:
            continue
        for name, raw in recorded.items():
            where = f"{path}: {subject} {name}"
            joints = table(raw, where)
            if joints.dtype.kind != "f" or joints.shape[1:] != (BODY.num_joints, 3) or not len(joints):
                raise ValueError(f"{where} has shape {joints.shape}, expected (frames, 15, 3). {HOW_TO_GET}")
            check_bodies(joints, where, advice=HOW_TO_GET)
            check_thighs(joints, where, (BODY.joints.index("RHip"), BODY.joints.index("RKnee")), advice=HOW_TO_GET)
            chunks[subject, name] = joints.astype(np.float64)
    if not chunks:
        raise ValueError(f"{path} has no chunk of Train/S1 ... Validate/S3. {HOW_TO_GET}")
    return chunks


def _read_2d(settings: DataSettings, keypoints: str) -> dict[str, dict[str, Any]]:
    path = path_2d(settings, keypoints)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: --keypoints {keypoints} needs it. {HOW_TO_GET}")
    return recordings_of(path, load_npz_restricted(path, HOW_TO_GET), "positions_2d", HOW_TO_GET)


def _pixels(keypoints: dict[str, dict[str, Any]], subject: str, name: str, frames: int) -> list[np.ndarray | None]:
    """(F, 15 or 17, 2 or 3) of each camera; None where it has none. NaN is a joint that was not found."""
    where = f"HumanEva's 2D of {subject} {name}"
    cameras = keypoints.get(subject, {}).get(name)
    if not is_list(cameras) or len(cameras) != len(CAMERA_NAMES):
        raise ValueError(f"{where}: {described(cameras)}, expected an array for each of 3 cameras. {HOW_TO_GET}")
    seen: list[np.ndarray | None] = []
    for camera, raw in zip(CAMERA_NAMES, cameras, strict=True):
        if raw is None:
            seen.append(None)
            continue
        pixels = table(raw, f"{where}, {camera}")
        shapes = [(frames, joints, axes) for joints in (BODY.num_joints, COCO.num_joints) for axes in (2, 3)]
        if pixels.dtype.kind not in "fiu" or pixels.shape not in shapes or np.isinf(pixels).any():
            raise ValueError(
                f"{where}, {camera} has {described(pixels)}, expected pixels ({frames}, 15 or 17, 2). {HOW_TO_GET}"
            )
        pixels = pixels.astype(np.result_type(pixels, np.float32))
        check_points(pixels[..., :2], f"{where}, {camera}", SIZE[0], missing=True, advice="Detect it again.")
        seen.append(pixels)
    return seen


def _cameras(settings: DataSettings, chunks: Chunks, notes: list[str]) -> dict[str, list[Camera | None]]:
    """Cameras of each person; None without the projected 2D, which tells of their lenses."""
    if not path_2d(settings, "gt").is_file():
        if settings.keypoints == "gt":
            _read_2d(settings, "gt")  # tells that it is missing
        notes.append(f"HumanEva: without {path_2d(settings, 'gt').name} the lenses are not known, only where they are.")
        return {person: [None] * len(CAMERA_NAMES) for person in PEOPLE}
    projected, errors = _read_2d(settings, "gt"), []
    cameras: dict[str, list[Camera | None]] = {}
    for person in sorted({subject.rpartition("/")[2] for subject, _ in chunks}):
        own_chunks = {key: joints for key, joints in chunks.items() if key[0].endswith(f"/{person}")}
        seen = [_pixels(projected, *key, len(joints)) for key, joints in own_chunks.items()]
        cameras[person] = []
        for number, camera_name in enumerate(CAMERA_NAMES):
            pairs = [(joints, views[number]) for joints, views in zip(own_chunks.values(), seen, strict=True)]
            known = [(joints, pixels) for joints, pixels in pairs if pixels is not None and pixels.shape[1] == 15]
            if not known:
                raise ValueError(f"{path_2d(settings, 'gt')} has no 15 joints of {person} in {camera_name}.")
            camera = camera_at(person, number)
            error = fit_lens(camera, *(np.concatenate(of) for of in zip(*known, strict=True)))
            errors.append(error)
            if not error < PROJECTED:
                raise ValueError(
                    f"{path_2d(settings, 'gt')}: the 3D of {person} falls {error * SIZE[0] / 2:.3g} pixels (median) "
                    f"beside its 2D in {camera_name}, expected under {PROJECTED * SIZE[0] / 2:g}. {HOW_TO_GET}"
                )
            cameras[person].append(camera)
    notes.append(f"HumanEva: lenses found from gt 2D, {max(errors) * SIZE[0] / 2:.2g} pixels (median) off at most.")
    return cameras


def camera_at(person: str, number: int) -> Camera:
    """Camera C1, C2 or C3 (number 0 to 2) of a person's recordings, float64, with no lens yet."""
    pose = torch.tensor(CAMERA_POSES[person][number], dtype=torch.float64)
    orientation = torch.nn.functional.normalize(pose[:4], dim=0)
    aspect = torch.tensor(SIZE[1] / SIZE[0], dtype=torch.float64)
    return Camera(orientation, pose[4:] / 1000, torch.zeros(9, dtype=torch.float64), aspect)


def fit_lens(
    camera: Camera, joints_world: Float[np.ndarray, "frames joints 3"], pixels: Float[np.ndarray, "frames joints 2"]
) -> float:
    """Find a camera's intrinsics (all but k3) from what it projects; returns the median error, half image widths."""
    from scipy.optimize import least_squares  # takes a while to import, and few need it

    step = max(1, joints_world.shape[0] * joints_world.shape[1] // MOST_POINTS)
    seen = camera.world_to_camera(torch.from_numpy(joints_world.reshape(-1, 3)[::step]))
    screen = pixels_to_screen(torch.from_numpy(pixels.reshape(-1, pixels.shape[-1])[::step, :2].astype(float)), *SIZE)
    shown = screen.isfinite().all(dim=-1)
    seen, screen, fitted = seen[shown], screen[shown], [0, 1, 2, 3, 4, 5, 7, 8]
    if len(seen) < len(fitted):
        return math.inf

    def errors(values: np.ndarray) -> np.ndarray:
        camera.intrinsics[fitted] = torch.from_numpy(values)
        return (project_to_2d(seen, camera.intrinsics) - screen).numpy().ravel()

    start = np.array([2.4, 2.4, 0, 0, 0, 0, 0, 0])
    errors(least_squares(errors, start, method="lm").x)
    return float((camera.project(seen) - screen).norm(dim=-1).median())


def _recordings(
    part: str, people: tuple[str, ...], actions: tuple[str, ...], chunks: Chunks,
    cameras: dict[str, list[Camera | None]], keypoints: dict[str, dict[str, Any]] | None, layout: Skeleton,
) -> Iterator[Recording]:  # fmt: skip
    """One recording per chunk. actions: beginnings of their names ("Walk"), as in VideoPose3D."""
    for action in actions:
        if not any(name.startswith(action) for _, name in chunks):
            choose("Action", [action], sorted({name.split()[0] for _, name in chunks}))
    for (subject, name), joints_world in chunks.items():
        person = subject.rpartition("/")[2]
        if subject != f"{part}/{person}" or person not in people or not name.startswith(actions or ""):
            continue
        seen = [None] * 3 if keypoints is None else _pixels(keypoints, subject, name, len(joints_world))
        views = []
        for number, camera_name in enumerate(CAMERA_NAMES):
            if keypoints is None or seen[number] is not None:
                known = cameras[person][number]
                camera = known or camera_at(person, number)
                view = _view(joints_world, camera, camera_name, seen[number], layout)
                views.append(view if known else replace(view, camera=None))
        usable, group = ~glitch_frames(joints_world, FPS), {"sequence": f"{subject} {name}"}
        yield Recording(person, name.partition(" chunk")[0], tuple(views), FPS, usable, group)


def _view(joints_world: np.ndarray, camera: Camera, name: str, pixels: np.ndarray | None, layout: Skeleton) -> View:
    view = view_from_world(in_layout(joints_world, BODY, layout), camera, name)
    if pixels is None:
        return view
    scores = pixels[..., 2] if pixels.shape[-1] == 3 else None
    source = BODY if pixels.shape[1] == BODY.num_joints else COCO
    return View(name, view.camera, view.joints_3d, *detections(pixels[..., :2], scores, source, layout, SIZE))


HUMANEVA = DataSource(
    load,
    views=3,
    test_sets=("humaneva",),
    taught_joints=(BODY.num_joints,),
    has_detections=True,
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    required_files=lambda settings: [path_3d(settings), path_2d(settings, settings.keypoints)],
    how_to_make=HOW_TO_GET,
)
