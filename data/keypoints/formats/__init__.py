"""2D keypoint files of detectors -> KeypointClip: one module for each format here, found by what the file holds."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.files.archive import in_short
from data.files.json_file import read_json_or_lines
from data.keypoints.clip import Detection as Detection
from data.keypoints.clip import Hints as Hints
from data.keypoints.clip import KeypointClip as KeypointClip
from data.keypoints.labels import Label, Place, natural_key
from data.keypoints.raw import RawClip, build_clip
from data.keypoints.registry import Format
from kinematics.errors import PoseFKError

_modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
FORMATS: dict[str, Format] = {
    entry.name: entry for entry in sorted((module.FORMAT for module in _modules), key=lambda entry: entry.order)
}
EXPECTED = "a keypoint file"
IN_FOLDERS = (".json", ".txt")  # a file for each frame
MANY_FILES = 2000  # from here a bar shows how far reading is
PICKLES = (".pkl", ".pickle", ".pth", ".pt")
# What entries of another kind than the format's (a word for a list, say) make the readers raise.
OTHER_CONTENT = (KeyError, IndexError, TypeError, AttributeError, OverflowError)
PICTURES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".jpg", ".jpeg", ".png")


def read_keypoints(path: Path, hints: Hints) -> KeypointClip:
    """The clip of a file, or of a folder with a file for each frame."""
    _refuse_other_files(path, hints.format)
    files = _files(path)
    path = files[0] if len(files) == 1 else path
    form = FORMATS[hints.format] if hints.format != "auto" else None
    raw = RawClip(path, hints, {})
    for label, name, content in _contents(files, raw):
        place = Place(frame=label)
        if label is not None and content in ([], {}, "", None):
            raw.frames.append(place)  # nobody is there
            continue
        if form is None or not (label is None or form.fits(content)):
            matched = _format_of(content)
            if matched is None and label is None:
                raise _unknown(path, content)
            if matched is None or (form is not None and matched is not form):
                raw.skip("files of another kind", name)
                continue
            form = matched
        if label is None and content in ([], {}, None):
            raise PoseFKError(
                f"{path} holds an empty {type(content).__name__}, expected keypoints of people in frames."
            )
        if path.is_file() and path.suffix.lower() not in form.suffixes:
            raise PoseFKError(
                f"{path} is not a file of --format {form.name}: expected one that ends in {' or '.join(form.suffixes)}."
            )
        raw.layouts = form.layouts
        try:
            form.read(raw, content, place)
        except OTHER_CONTENT as error:
            raise PoseFKError(
                f"{path} is not as {form.name} files are ({type(error).__name__}: {in_short(error)}): make it again, "
                "or say what it is with --format. docs/predict.md says what is read."
            ) from error
    content = None  # a large file takes as much again for its clip
    return build_clip(raw)


def _refuse_other_files(path: Path, name: str) -> None:
    """One sentence for what is no keypoint file by its name."""
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
        raise PoseFKError(f"{path} is missing: expected a keypoint file, or a folder with one for each frame.")
    if name != "auto" and name not in FORMATS:
        raise PoseFKError(f"--format {name}: choose from auto, {', '.join(FORMATS)}.")


def _files(path: Path) -> list[Path]:
    """The file, or a folder's files and those of the folders in it: of each frame of each camera."""
    if not path.is_dir():
        return [path]
    for pattern in ("*", "*/*"):
        files = [file for file in path.glob(pattern) if file.suffix.lower() in IN_FOLDERS and file.is_file()]
        if files:
            return sorted(files, key=lambda file: natural_key(str(file)))
    raise PoseFKError(f"{path} has no JSON files, expected a detector's, one for each frame.")


def _contents(files: list[Path], raw: RawClip) -> Iterator[tuple[Label | None, str, Any]]:
    """(label, name, content) of each file; the only one has no label. Of a folder's those that fail are counted."""
    for file in tqdm(files, desc="Reading", unit=" files", disable=len(files) < MANY_FILES):
        name = str(file.relative_to(raw.path)) if len(files) > 1 else file.name
        try:
            content = _content(file)
        except (ValueError, OSError) as error:
            if len(files) == 1:
                raise
            raw.skip("files that cannot be read", str(error).rstrip("."))
            continue
        yield (name if len(files) > 1 else None), name, content


def _content(file: Path) -> Any:
    """What JSON holds, the text of a .txt file, or the path where a format opens it."""
    suffix = file.suffix.lower()
    if suffix == ".txt":
        return file.read_text(encoding="utf-8-sig")
    binary = {suffix for entry in FORMATS.values() for suffix in entry.suffixes} - {".json", ".jsonl", ".txt"}
    return file if suffix in binary else read_json_or_lines(file, EXPECTED)


def _format_of(content: Any) -> Format | None:
    """The first format that content looks like."""
    return next((entry for entry in FORMATS.values() if entry.fits(content)), None)


def _unknown(path: Path, content: Any) -> PoseFKError:
    """The error for content that no format takes."""
    if content in ([], {}, None):
        return PoseFKError(f"{path} holds an empty {type(content).__name__}, expected keypoints of people in frames.")
    held = f"{{{', '.join(map(str, list(content)[:5]))}}}" if isinstance(content, dict) else type(content).__name__
    return PoseFKError(
        f"{path} holds {held}, which is no keypoint format: expected {', '.join(FORMATS)}; see --format."
    )
