"""pose.npz read again: lifted clips from files that may be anybody's."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.plausible import LEAST_PREDICTED_M, check_bodies, check_image_size, check_points, check_rate
from evaluation.predict.lifted import LiftedClip
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

FILE, HOW_TO_MAKE = "pose.npz", "Make it with: python -m evaluation.predict (npz among its --outputs)."
_PERSON = re.compile(r"person_([1-9][0-9]{0,5})")
_LAYOUTS = {"skeleton": ("U", ()), "input_skeleton": ("U", ())}


def load_clips(folder: Path) -> dict[str, LiftedClip]:
    """Load what `evaluation.predict` wrote to a folder: one clip, or of `--person all` one for each folder person_N.

    Returns name of the person's folder ("" for a single clip) -> clip, in the order of their numbers.
    """
    if (folder / FILE).is_file():
        return {"": load_clip(folder / FILE)}
    numbered = {match: path for path in folder.glob("person_*") if (match := _PERSON.fullmatch(path.name))}
    people = sorted((int(match[1]), path) for match, path in numbered.items() if (path / FILE).is_file())
    if not people:
        lacks = f"has no {FILE}, nor a folder person_1 with one" if folder.is_dir() else "is no folder"
        raise PoseFKError(f"{folder} {lacks}, expected a folder of lifted poses. {HOW_TO_MAKE}")
    return {path.name: load_clip(path / FILE) for _, path in people}


def load_clip(path: Path) -> LiftedClip:
    """Load one pose.npz. Nothing in it is run; what no lifted clip has is refused in a sentence."""
    content = load_npz_restricted(path, HOW_TO_MAKE)
    check_arrays(path, content, _LAYOUTS, HOW_TO_MAKE)
    skeleton, input_skeleton = (_layout(path, str(content[name])) for name in _LAYOUTS)
    joints, keypoints = skeleton.num_joints, input_skeleton.num_joints
    wanted: dict[str, tuple[str, tuple[int | str, ...]]] = {
        "joints_3d": ("f", ("frames", joints, 3)), "joints_world": ("f", ("frames", joints, 3)),
        "joints_2d": ("f", ("frames", keypoints, 2)), "scores": ("f", ("frames", keypoints)),
        "frames": ("iu", ("frames",)), "pieces": ("iu", ("frames",)),
    }  # fmt: skip
    optional: dict[str, tuple[int | str, ...]] = {"root_camera": ("frames", 3), "joints_sd": ("frames", joints, 3)}
    wanted |= {name: ("f", shape) for name, shape in optional.items() if name in content}
    check_arrays(path, content, wanted | {"fps": ("fiu", ()), "image_size": ("iu", (2,))}, HOW_TO_MAKE)
    width, height = (int(side) for side in content["image_size"])
    clip = LiftedClip(
        **{name: content[name] for name in wanted}, fps=float(content["fps"]), image_size=(width, height),
        skeleton=skeleton, input_skeleton=input_skeleton,
    )  # fmt: skip
    _check_numbers(clip, path, content)
    return clip


def _layout(path: Path, name: str) -> Skeleton:
    try:
        return Skeleton(name)
    except ValueError as error:
        raise ValueError(f"{path} does not fit this version: {error}") from error


def _check_numbers(clip: LiftedClip, path: Path, content: dict[str, Any]) -> None:
    """Refuse numbers that no lifted clip has, and joints in another order than their layout's."""
    where, width = str(path), clip.image_size[0]
    check_rate(clip.fps, where)
    check_image_size(*clip.image_size, where)
    for skeleton, name in ((clip.skeleton, "joint_names"), (clip.input_skeleton, "input_joint_names")):
        check_arrays(path, content, {name: ("U", (skeleton.num_joints,))}, HOW_TO_MAKE)
        if tuple(content[name].tolist()) != skeleton.joints:
            raise ValueError(f"{path}: its {name} are not those of {skeleton.name} in their order. {HOW_TO_MAKE}")
    for joints in (clip.joints_3d, clip.joints_world - clip.joints_world[:, :1]):
        check_bodies(joints, where, origin="the root", advice=HOW_TO_MAKE, least=LEAST_PREDICTED_M)
    check_points(clip.joints_2d, where, width, names=clip.input_skeleton.joints, advice=HOW_TO_MAKE)
    for name, least in (("scores", 0), ("root_camera", -np.inf), ("joints_sd", 0)):
        array = getattr(clip, name)
        if array is not None and not (np.isfinite(array) & (array >= least)).all():
            words = "finite numbers" if least else "finite numbers of 0 or more"
            raise ValueError(f"{path}: its {name} are not all {words}. {HOW_TO_MAKE}")
    steps = np.diff(clip.pieces.astype(np.int64), prepend=0)
    if not (np.isin(steps, (0, 1)).all() and clip.pieces[0] == 0 and (np.diff(clip.frames.astype(float)) > 0).all()):
        raise ValueError(f"{path}: its frames do not follow one another, or its pieces are not 0, 1, ... {HOW_TO_MAKE}")
