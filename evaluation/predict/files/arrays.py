"""pose.npz and pose.json: the arrays of a lifted clip."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.predict.lifted import LiftedClip

ABOUT = {
    "joints_3d": "(frames, joints, 3) metres, camera axes (x right, y down, z forward), root at 0",
    "joints_world": "(frames, joints, 3) metres, z up, lowest joint on the floor; a guess, see docs/predict.md",
    "joints_2d": "(frames, input joints, 2) pixels, what the lifter read",
    "scores": "(frames, input joints) 0 to 1; 0: interpolated",
    "frames": "(frames,) numbers in the keypoint file",
    "pieces": "(frames,) which piece without gaps a frame belongs to",
}
WHERE_KNOWN = {
    "root_camera": "(frames, 3) metres, camera axes, where the root stands; joints_3d plus it stand there too",
    "joints_sd": "(frames, joints, 3) metres, standard deviation of each coordinate of joints_3d, 0 of the root",
}


def write_npz(clip: LiftedClip, folder: Path) -> list[str]:
    """pose.npz, readable without pickle; its name."""
    arrays: dict[str, Any] = {name: getattr(clip, name) for name in _keys(clip)}
    np.savez_compressed(folder / "pose.npz", allow_pickle=False, **arrays, **_about(clip))
    return ["pose.npz"]


def write_everybody(people: Mapping[int, LiftedClip], folder: Path) -> None:
    """Write everybody.npz: a row for each person in each frame, `person` their numbers; sorted by frame."""
    clips = list(people.values())
    person = np.repeat(list(people), [len(clip) for clip in clips])
    frames = np.concatenate([clip.frames for clip in clips])
    order = np.lexsort((person, frames))
    arrays = {name: np.concatenate([getattr(clip, name) for clip in clips])[order] for name in _keys(clips[0])}
    np.savez_compressed(
        folder / "everybody.npz", allow_pickle=False, person=person[order], **arrays, **_about(clips[0])
    )


def write_json(clip: LiftedClip, folder: Path) -> list[str]:
    """pose.json: the same, an object per frame; its name."""
    digits = {"joints_3d": 5, "joints_world": 5, "joints_2d": 2, "scores": 4}
    digits |= {name: 5 for name in _keys(clip) if name in WHERE_KNOWN}
    tables = {name: getattr(clip, name).astype(float).round(places) for name, places in digits.items()}
    frames = [
        {"frame": int(number), "piece": int(piece), **{name: table[place].tolist() for name, table in tables.items()}}
        for place, (number, piece) in enumerate(zip(clip.frames, clip.pieces, strict=True))
    ]
    content = {"about": _keys(clip), **_about(clip), "frames": frames}
    (folder / "pose.json").write_text(json.dumps(content, allow_nan=False) + "\n")
    return ["pose.json"]


def _keys(clip: LiftedClip) -> dict[str, str]:
    """Describe the arrays of a clip: what needs a camera or a lifter's uncertainty only where it is known."""
    return ABOUT | {name: text for name, text in WHERE_KNOWN.items() if getattr(clip, name) is not None}


def _about(clip: LiftedClip) -> dict[str, Any]:
    return {
        "fps": clip.fps,
        "image_size": list(clip.image_size),
        "skeleton": clip.skeleton.name,
        "joint_names": list(clip.skeleton.joints),
        "input_skeleton": clip.input_skeleton.name,
        "input_joint_names": list(clip.input_skeleton.joints),
    }
