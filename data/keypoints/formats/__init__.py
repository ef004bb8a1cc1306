"""2D keypoint files of detectors -> KeypointClip: one module for each format, found by what the file holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from data.files.json_file import read_json
from data.keypoints.clip import Detection as Detection
from data.keypoints.clip import Hints as Hints
from data.keypoints.clip import KeypointClip as KeypointClip
from data.keypoints.clip import refuse_unscored
from data.keypoints.formats import alphapose, arrays, coco, mediapipe, mmpose, openpose, videopose3d
from kinematics.errors import PoseFKError


@dataclass(frozen=True)
class Format:
    """read: (path, what its JSON holds or None, hints) -> clip; looks_like: whether JSON is of this format.

    suffix: of files that are not JSON.
    """

    read: Callable[[Path, Any, Hints], KeypointClip]
    looks_like: Callable[[Any], bool] | None = None
    suffix: str = ".json"


FORMATS = {
    "alphapose": Format(alphapose.read, alphapose.looks_like),
    "coco": Format(coco.read, coco.looks_like),
    "mmpose": Format(mmpose.read, mmpose.looks_like),
    "openpose": Format(openpose.read, openpose.looks_like),
    "mediapipe": Format(mediapipe.read, mediapipe.looks_like),
    "videopose3d": Format(videopose3d.read, suffix=".npz"),
    "npy": Format(arrays.read_npy, suffix=".npy"),
    "csv": Format(arrays.read_csv, suffix=".csv"),
}
EXPECTED = "a keypoint file"
PICKLES = (".pkl", ".pickle", ".pth", ".pt")
# What entries of another kind than the format's (a word for a list, say) make the readers raise.
OTHER_CONTENT = (KeyError, IndexError, TypeError, AttributeError, OverflowError)
PICTURES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".jpg", ".jpeg", ".png")


def read_keypoints(path: Path, hints: Hints) -> KeypointClip:
    """The clip of a file or of OpenPose's folder."""
    name = hints.format
    if path.suffix.lower() in PICKLES:
        raise PoseFKError(
            f"{path} is a pickle, which can run code when it is opened, so it is not read: save JSON instead (MMPose: "
            "--pred-out-dir, or --save-predictions of its demo scripts)."
        )
    if path.suffix.lower() in PICTURES:
        raise PoseFKError(
            f"{path} is a video or a picture, expected the keypoints in it: run a 2D detector first (MMPose, "
            "AlphaPose, OpenPose, MediaPipe) and give its file."
        )
    if not path.exists():
        raise PoseFKError(f"{path} is missing: expected a keypoint file, or OpenPose's folder of them.")
    if name != "auto" and name not in FORMATS:
        raise PoseFKError(f"--format {name}: choose from auto, {', '.join(FORMATS)}.")
    is_json = not path.is_dir() and path.suffix.lower() not in {".npz", ".npy", ".csv"}
    content = read_json(path, EXPECTED) if is_json else None
    name = _format_of(path, content, is_json) if name == "auto" else name
    chosen = FORMATS[name]
    if is_json != (chosen.suffix == ".json") and not (path.is_dir() and chosen is FORMATS["openpose"]):
        raise PoseFKError(f"{path} is not a file of --format {name}: expected one that ends in {chosen.suffix}.")
    try:
        clip = chosen.read(path, content, hints)
    except OTHER_CONTENT as error:
        raise PoseFKError(
            f"{path} is not as {name} files are ({type(error).__name__}: {error}): make it again, or say what it is "
            "with --format. docs/predict.md says what is read."
        ) from error
    refuse_unscored(chain(*clip.frames.values()), str(path))
    if not any(clip.frames.values()):
        raise PoseFKError(f"{path} has nobody in any of its {len(clip.frames)} frames, expected at least one person.")
    size, fps = hints.size or clip.size, hints.fps or clip.fps
    return replace(clip, frames=dict(sorted(clip.frames.items())), size=size, fps=fps)


def _format_of(path: Path, content: Any, is_json: bool) -> str:
    """The format's name."""
    if path.is_dir():
        return "openpose"
    if not is_json:
        return next(name for name, entry in FORMATS.items() if entry.suffix == path.suffix.lower())
    if content in ([], {}, None):
        raise PoseFKError(f"{path} holds an empty {type(content).__name__}, expected keypoints of people in frames.")
    for name, entry in FORMATS.items():
        if entry.looks_like is not None and entry.looks_like(content):
            return name
    held = f"{{{', '.join(map(str, list(content)[:5]))}}}" if isinstance(content, dict) else type(content).__name__
    raise PoseFKError(f"{path} holds {held}, which is no keypoint format: expected {', '.join(FORMATS)}; see --format.")
