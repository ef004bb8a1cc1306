"""AIST++ (CC BY 4.0): dancers before nine cameras, and what a detector saw of them -> recordings, 60 frames a second.

    aistx      the test split, 2D of the detector: real cameras and a real detector
    aistx_gt   the same frames, 2D projected from the 3D

A folder aist_plusplus (or aist_plusplus_final, as it is released) holds cameras/mapping.txt (sequence and setting),
cameras/SETTING.json (OpenCV's cameras, centimetres), keypoints3d/SEQUENCE.pkl, keypoints2d/SEQUENCE.pkl, splits/
pose_{train,val,test}.txt, which share no dancer between test and the others, and ignore_list.txt (failed sequences).

The joints are COCO's 17 keypoints, as annotators marked them on photographs and a detector learnt them, triangulated
from its nine views: so the 3D errs with the 2D, by some centimetres that nobody has measured. It has no pelvis, spine,
thorax and head top, which are made up for a lifter as for detections; `limbs` scores the others.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.cmu.quality import glitch_frames
from data.data_source import DataSource, choose
from data.domains.bodies import detections, fill, in_layout, opencv_camera
from data.files.archive import shortened
from data.files.json_file import is_number, read_json
from data.files.members import check_arrays
from data.files.pkl import load_pickle_restricted
from data.files.present import require_file
from data.keypoints.gaps import GapCount, mend, mend_together
from data.multiview.skeletool import upright_turn
from data.plausible import check_bodies, check_cameras, check_image_size, check_points, check_thighs
from data.recordings import DataSettings, DataSplits, Recording, View, view_from_world
from kinematics.camera import Camera
from kinematics.rotation import rotvec_to_matrix
from kinematics.skeleton import Skeleton

COCO = Skeleton("coco_17")
FPS, VIEWS = 60.0, 9
DETECTED, PROJECTED = "aistx", "aistx_gt"
GENRES = {
    "gBR": "Break", "gPO": "Pop", "gLO": "Lock", "gMH": "Middle Hip-hop", "gLH": "LA style Hip-hop", "gHO": "House",
    "gWA": "Waack", "gKR": "Krump", "gJS": "Street Jazz", "gJB": "Ballet Jazz",
}  # fmt: skip
# Views that the authors leave out: not synchronised, and of another size.
BAD_VIEWS = {("gBR_sBM_cAll_d04_mBR0_ch01", 4), ("gJB_sBM_cAll_d07_mJB3_ch05", 6)}
FARTHEST_CM = 200.0  # of a joint from the hip: what triangulation has lost lies farther
SCREEN_AGREEMENT = 0.05  # half image widths, median over a view: the detections are of this person and this camera
NUMBERS = {"size": (2,), "matrix": (3, 3), "rotation": (3,), "translation": (3,), "distortions": (5,)}
_NAME = re.compile(r"\w{1,100}")  # of a sequence or a setting, which become names of files
HOW_TO_GET = "docs/data_more.md says where AIST++'s annotations come from."
Cameras = dict[str, tuple[Camera, tuple[int, int]]]  # by name: world z up, metres, float64; width and height


def load(settings: DataSettings) -> DataSplits:
    """The published splits of poses. settings.keypoints: of training and validation, gt or detected."""
    if settings.keypoints not in ("gt", "detected"):
        raise ValueError(f"keypoints is {settings.keypoints!r}, but AIST++ has gt (projected) and detected.")
    detected, notes = settings.keypoints == "detected", list[str]()
    train = _read_split(settings, "train", detected, settings.subjects_train, notes)
    validation = _read_split(settings, "val", detected, (), notes)
    tests = {
        name: _read_split(settings, "test", name == DETECTED, settings.subjects_test, notes)
        for name in (DETECTED, PROJECTED)
    }
    return DataSplits([recording.thinned(settings.downsample) for recording in train], validation, tests, notes)


def load_test(settings: DataSettings, name: str, frames: int) -> DataSplits:
    """One test set by itself."""
    notes: list[str] = []
    recordings = _read_split(settings, "test", name == DETECTED, settings.subjects_test, notes)
    return DataSplits([], [], {name: recordings}, notes)


def folder_of(settings: DataSettings) -> Path:
    released = Path(settings.data_root) / "aist_plusplus_final"
    return released if released.is_dir() else Path(settings.data_root) / "aist_plusplus"


def _read_split(
    settings: DataSettings, split: str, detected: bool, dancers: tuple[str, ...], notes: list[str]
) -> list[Recording]:
    """One recording per sequence of a split, or its pieces between gaps of the detections. dancers: empty: all."""
    root, layout = folder_of(settings), Skeleton.from_num_joints(settings.num_joints)
    if layout.name not in ("h36m_16", "h36m_17"):
        raise ValueError(f"AIST++ is read as 16 or 17 joints, num_joints asks for {settings.num_joints}.")
    words = [line.split() for line in _lines(root / "cameras" / "mapping.txt")]
    settings_of = {line[0]: line[1] for line in words if len(line) == 2}
    ignored = {*_lines(root / "ignore_list.txt")} if (root / "ignore_list.txt").is_file() else set()
    names = [name for name in _lines(root / "splits" / f"pose_{split}.txt") if name not in ignored]
    if odd := [name for name in (*names, *settings_of.values()) if not _NAME.fullmatch(name)]:
        raise ValueError(f"{root} has a list with {shortened(odd[0])!r}, expected names of sequences. {HOW_TO_GET}")
    choose(f"AIST++ {split}: dancer", dancers, sorted({_dancer(name) for name in names}))
    choose("Action", settings.actions, sorted({_genre(name) for name in names}))
    names = [name for name in names if not dancers or _dancer(name) in dancers]
    names = [name for name in names if not settings.actions or _genre(name) in settings.actions]
    present = [name for name in names if (root / "keypoints3d" / f"{name}.pkl").is_file()]
    if not present:
        raise ValueError(f"{root}/keypoints3d has none of the {len(names)} sequences of {split}. {HOW_TO_GET}")
    cameras: dict[str, tuple[Cameras, np.ndarray]] = {}
    count, mended = GapCount(), mend if settings.views == 1 else mend_together
    recordings, left_out, complete = list[Recording](), list[str](), 0
    for name in present:
        setting = settings_of.get(name)
        if setting is None:
            raise ValueError(f"{root}/cameras/mapping.txt has no line for {name}. {HOW_TO_GET}")
        if setting not in cameras:
            cameras[setting] = read_cameras(root / "cameras" / f"{setting}.json")
        recording = _sequence(root, name, cameras[setting], layout, detected, left_out)
        if recording is not None and len(recording.views) >= settings.views:
            recordings += mended(recording, settings.max_gap, count)
            complete += 1
    if complete < len(names):
        lost = f"{len(names) - complete} of {len(names)} sequences"
        notes.append(f"AIST++ {split}: {lost} are missing, or have no 3D or too few views.")
    if left_out:
        notes.append(f"AIST++ {split}: detections of {', '.join(left_out)} are not of the 3D, and left out.")
    notes += count.notes(f"AIST++ {split}, detected", settings.max_gap)
    return recordings


def _lines(path: Path) -> list[str]:
    """The lines that say something."""
    lines = require_file(path, HOW_TO_GET).read_text(errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _dancer(sequence: str) -> str:
    """gBR_sBM_cAll_d04_mBR0_ch01 -> d04."""
    return next((word for word in sequence.split("_") if word[:1] == "d"), "")


def _genre(sequence: str) -> str:
    return GENRES.get(sequence[:3], sequence[:3])


def read_cameras(path: Path) -> tuple[Cameras, np.ndarray]:
    """The cameras of a setting, in the file's order, and the turn (3, 3) of its world that has z up."""
    content = read_json(path, "a list of AIST++'s cameras")
    numbers = [_camera_numbers(path, camera) for camera in (content if isinstance(content, list) else [])]
    if not numbers or len({name for name, _ in numbers}) < len(numbers):
        raise ValueError(f"{path} has {len(numbers)} cameras of as many names, expected {VIEWS}. {HOW_TO_GET}")
    rotations = rotvec_to_matrix(torch.from_numpy(np.stack([of["rotation"] for _, of in numbers]))).numpy()
    turn = upright_turn(rotations.swapaxes(1, 2))
    cameras: Cameras = {}
    for (name, of), rotation in zip(numbers, rotations, strict=True):
        width, height = of["size"].astype(int).tolist()
        check_image_size(width, height, f"{path}: camera {name}")
        camera = opencv_camera(
            of["matrix"], rotation, of["translation"] / 100, (width, height), turn, of["distortions"]
        )  # fmt: skip
        check_cameras(camera, f"{path}: camera {name}", advice=HOW_TO_GET)
        cameras[name] = camera, (width, height)
    return cameras, turn


def _camera_numbers(path: Path, camera: Any) -> tuple[str, dict[str, np.ndarray]]:
    name = camera.get("name") if isinstance(camera, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"{path} has a camera without a name. {HOW_TO_GET}")
    arrays = {}
    for key, shape in NUMBERS.items():
        rows = camera.get(key)
        flat = [x for row in rows for x in (row if isinstance(row, list) else [row])] if isinstance(rows, list) else []
        if len(flat) != np.prod(shape) or not all(is_number(x) and abs(x) < 1e6 for x in flat):
            raise ValueError(f"{path}: camera {name} has no {' x '.join(map(str, shape))} numbers of {key!r}.")
        arrays[key] = np.array(flat, dtype=np.float64).reshape(shape)
    return name, arrays


def _sequence(
    root: Path, name: str, setting: tuple[Cameras, np.ndarray], layout: Skeleton, detected: bool, left_out: list[str]
) -> Recording | None:
    """A sequence seen by all cameras; None where no frame has a body in 3D. Frames that jump are no samples."""
    cameras, turn = setting
    content = load_pickle_restricted(path := root / "keypoints3d" / f"{name}.pkl", HOW_TO_GET)
    key = "keypoints3d_optim" if "keypoints3d_optim" in content else "keypoints3d"
    frames = check_arrays(path, content, {key: ("f", ("frames", COCO.num_joints, 3))}, HOW_TO_GET)["frames"]
    joints = content[key].astype(np.float64)
    usable = np.isfinite(joints).all(axis=(1, 2))
    thigh = COCO.joints.index("RHip"), COCO.joints.index("RKnee")
    if usable.any():
        check_thighs(joints[usable], str(path), thigh, "cm", advice=HOW_TO_GET)
    with np.errstate(invalid="ignore"):  # infinity is not usable
        usable &= np.linalg.norm(joints - joints[:, [thigh[0]]], axis=-1).max(axis=1) < FARTHEST_CM
    if not usable.any():
        return None
    joints_world = in_layout(fill(joints, usable) / 100 @ turn.T, COCO, layout)
    check_bodies(joints_world, str(path), advice=HOW_TO_GET)
    usable &= ~glitch_frames(joints_world, FPS)
    views = []
    seen = _detected(root / "keypoints2d" / f"{name}.pkl", list(cameras.values()), frames, layout) if detected else None
    for number, (camera_name, (camera, _)) in enumerate(cameras.items()):
        view = view_from_world(joints_world, camera, camera_name)
        if (name, number) not in BAD_VIEWS:
            views.append(View(camera_name, view.camera, view.joints_3d, *seen[number]) if seen else view)
    if seen:
        views = _agreeing(name, views, usable, left_out)
    return Recording(_dancer(name), _genre(name), tuple(views), FPS, usable, {"sequence": name})


def _detected(
    path: Path, cameras: list[tuple[Camera, tuple[int, int]]], frames: int, layout: Skeleton
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Each camera's 2D, screen, and confidence."""
    content = load_pickle_restricted(path, HOW_TO_GET)
    advice = f"The newer form with 133 keypoints is not read. {HOW_TO_GET}"
    check_arrays(path, content, {"keypoints2d": ("f", (len(cameras), frames, COCO.num_joints, 3))}, advice)
    seen = []
    for pixels, (_, size) in zip(content["keypoints2d"], cameras, strict=True):
        check_points(pixels[..., :2], str(path), size[0], missing=True, advice=HOW_TO_GET)
        seen.append(detections(pixels[..., :2], pixels[..., 2], COCO, layout, size))
    return seen


def _agreeing(where: str, views: list[View], usable: np.ndarray, left_out: list[str]) -> list[View]:
    """The views whose detections are those of the 3D; others, of another time or size, are named in left_out."""
    errors = []
    for view in views:
        assert view.camera is not None
        screen = view.camera.project(torch.from_numpy(view.joints_3d)).numpy()
        apart = np.linalg.norm(screen - view.joints_2d, axis=-1)[usable]
        errors.append(float(np.nanmedian(apart)) if np.isfinite(apart).any() else np.inf)
    if not min(errors) < SCREEN_AGREEMENT:
        raise ValueError(
            f"{where}: the 3D falls {min(errors):.3g} half image widths (median) or more beside the detections, "
            f"expected under {SCREEN_AGREEMENT:g}: the cameras, or their units, are others. {HOW_TO_GET}"
        )
    pairs = list(zip(views, errors, strict=True))
    left_out += [f"{where} {view.camera_name}" for view, error in pairs if error >= SCREEN_AGREEMENT]
    return [view for view, error in pairs if error < SCREEN_AGREEMENT]


AISTX = DataSource(
    load,
    views=VIEWS,
    test_sets=(DETECTED, PROJECTED),
    has_detections=True,
    budget={"learning": {"epochs": 25}},
    by_rule=True,
    load_test=load_test,
    required_files=lambda settings: [
        folder_of(settings) / name for name in ("cameras/mapping.txt", "splits/pose_train.txt")
    ],
    how_to_make=HOW_TO_GET,
)
