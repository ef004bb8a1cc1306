"""What the JSON files of an export's folder hold, read at one door: they may come from anybody."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from data.files.json_file import is_number, read_json
from kinematics import PoseFKError

IDENTITY, DONE, MANIFEST = "export.json", "shard.json", "manifest.json"
_EXPECTED = "what augment.export writes"
_SHARD_FOLDER = re.compile(r"\.|shard-[0-9]{5,9}-of-[0-9]{5,9}")
_CRC32 = re.compile(r"[0-9a-f]{8}")
_MOST = 10**15  # poses, bytes: more than any disk holds
_QUOTED = 80  # characters of what a file holds, in a message


@dataclass(frozen=True)
class _Entry:
    """expected: what a value should be, for the message; fits: whether it is; needed: whether it has to be there."""

    expected: str
    fits: Callable[[Any], bool]
    needed: bool = True


def _whole(least: int, most: int = _MOST) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_number(value: Any, least: float = 0.0, most: float = 1e6) -> bool:
    return is_number(value) and math.isfinite(value) and least <= value <= most


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 1000 and value.isprintable()


def _is_place(name: Any) -> bool:
    """Whether a file's name stays in the folder it is said of."""
    if not _is_text(name) or not name or "\\" in name:
        return False
    place = PurePosixPath(name)
    return not place.is_absolute() and ".." not in place.parts and place.name != ""


def _is_file_entry(value: Any) -> bool:
    if not isinstance(value, dict) or not _whole(0)(value.get("bytes")):
        return False
    return isinstance(value.get("crc32"), str) and _CRC32.fullmatch(value["crc32"]) is not None


def _is_files(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_place(name) and _is_file_entry(entry) for name, entry in value.items())


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and len(value) <= 100 and all(map(_is_text, value)) and all(
        map(_whole(0), value.values())
    )  # fmt: skip


_TEXT = _Entry("a text", _is_text)
_SHARD = {
    "first": _Entry("a whole number", _whole(0)),
    "poses": _Entry("a whole number of 1 or more", _whole(1)),
    "counts": _Entry("whole numbers by name", _is_counts),
    "files": _Entry("bytes and crc32 of files inside the folder", _is_files),
    "export": _Entry("a text", _is_text, needed=False),
}
_EXPORT = {
    "num_poses": _Entry("a whole number of 1 or more", _whole(1)),
    "frames": _Entry("a whole number of 1 to a million", _whole(1, 10**6)),
    "shards": _Entry("a whole number of 1 or more", _whole(1)),
    "seed": _Entry("a whole number", lambda value: type(value) is int and value >= 0),
    "keep": _Entry("a list of texts", lambda value: isinstance(value, list) and all(map(_is_text, value))),
    "within_limits": _Entry("true or false", lambda value: isinstance(value, bool)),
    "min_novelty_mm": _Entry("a number of 0 or more", _is_number),
    **{name: _TEXT for name in ("format", "recipe", "checkpoint", "layout", "dataset")},
    "version": _Entry("a whole number", _whole(0), needed=False),  # the first exports had none
    "recorded": _Entry("a text", _is_text, needed=False),
}
_FINISHED = {
    **_EXPORT,
    "fps": _Entry("a number of frames a second", lambda value: _is_number(value, 1e-3)),
    "licence": _Entry("a text", _is_text, needed=False),
    "shards": _Entry("a list of shards", lambda value: isinstance(value, list) and len(value) <= 10**6),
}
_LISTED = {**_SHARD, "folder": _Entry("a shard's folder", lambda value: _is_text(value) and bool(
    _SHARD_FOLDER.fullmatch(value)))}  # fmt: skip


def read_identity(path: Path) -> dict[str, Any]:
    """Whose folder it is, from export.json."""
    return _checked(path, _read(path), _EXPORT)


def read_shard(path: Path) -> dict[str, Any]:
    """What a shard came to, from shard.json."""
    return _checked(path, _read(path), _SHARD)


def read_manifest(path: Path) -> dict[str, Any]:
    """A finished export, from manifest.json."""
    return _with_shards(path, _checked(path, _read(path), _FINISHED))


def read_notes(path: Path) -> dict[str, Any]:
    """What export.json or manifest.json say of the poses beside them; anything may be missing."""
    content = _read(path)
    schema = _FINISHED if path.name == MANIFEST else _EXPORT
    present = {name: entry for name, entry in schema.items() if isinstance(content, dict) and name in content}
    return _with_shards(path, _checked(path, content, present))


def _read(path: Path) -> Any:
    try:
        return read_json(path, _EXPECTED)
    except ValueError as error:
        said = str(error).removeprefix(f"{path} ")
        raise PoseFKError(f"{path} is damaged: it {said} Or move it away.") from error


def _with_shards(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    shards = content.get("shards")
    if not isinstance(shards, list):
        return content
    return content | {"shards": [_checked(path, shard, _LISTED, f"shard {i}: ") for i, shard in enumerate(shards)]}


def _checked(path: Path, content: Any, schema: dict[str, _Entry], which: str = "") -> dict[str, Any]:
    """The entries of a schema, or a refusal in one sentence; others are left out."""
    if not isinstance(content, dict):
        raise PoseFKError(
            f"{path} holds {which}{_quoted(content)}, expected {_EXPECTED}: move it away, or copy or export again."
        )
    for name, entry in schema.items():
        if name in content and not entry.fits(content[name]):
            raise PoseFKError(
                f"{path} is of no export: {which}{name} is {_quoted(content[name])}, expected {entry.expected}. Move "
                "it away, or copy or export again."
            )
        if name not in content and entry.needed:
            raise PoseFKError(
                f"{path} is of no export: {which}{name} is missing, expected {entry.expected}. Move it away, or copy "
                "or export again."
            )
    return {name: content[name] for name in schema if name in content}


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 3]}..."
