"""What the JSON files of an export's folder hold, read at one door: they may come from anybody."""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from data.files.json_file import is_number, read_json
from kinematics import PoseFKError

IDENTITY, DONE, MANIFEST = "export.json", "shard.json", "manifest.json"
_EXPECTED, _ADVICE = "what augment.export writes", "move it away, or copy or export again."
_SHARD_FOLDER = re.compile(r"\.|shard-[0-9]{5,9}-of-[0-9]{5,9}")
_CRC32 = re.compile(r"[0-9a-f]{8}")
_MOST = 10**15  # poses, bytes: more than any disk holds
_QUOTED = 80  # characters of what a file holds, in a message


class _Entry(NamedTuple):
    """expected: what a value should be, for the message; fits: whether it is; needed: whether it has to be present."""

    expected: str
    fits: Callable[[Any], bool]
    needed: bool = True


def _is_count(value: Any, least: int = 0, most: int = _MOST) -> bool:
    return type(value) is int and least <= value <= most


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 1000 and value.isprintable()


def _is_inside(name: Any) -> bool:
    """Whether a file's name stays in its folder."""
    if not _is_text(name) or not name or "\\" in name:
        return False
    place = PurePosixPath(name)
    return not place.is_absolute() and ".." not in place.parts and place.name != ""


def _is_file(name: Any, entry: Any) -> bool:
    if not _is_inside(name) or not isinstance(entry, dict) or not _is_count(entry.get("bytes")):
        return False
    return isinstance(entry.get("crc32"), str) and _CRC32.fullmatch(entry["crc32"]) is not None


def _is_dict(value: Any, fits: Callable[[Any, Any], bool], most: int = _MOST) -> bool:
    return isinstance(value, dict) and len(value) <= most and all(fits(*item) for item in value.items())


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: is_number(value) and least <= value <= most  # NaN is not


_TEXT, _COUNT = _Entry("a text", _is_text), _Entry("a whole number of 1 or more", lambda value: _is_count(value, 1))
_SHARD = {
    "first": _Entry("a whole number", _is_count),
    "poses": _COUNT,
    "counts": _Entry("whole numbers by name", lambda value: _is_dict(
        value, lambda name, count: _is_text(name) and _is_count(count), 100)),
    "files": _Entry("bytes and crc32 of files inside the folder", lambda value: _is_dict(value, _is_file)),
    "export": _TEXT._replace(needed=False),
}  # fmt: skip
_EXPORT = {
    "num_poses": _COUNT,
    "frames": _Entry("a whole number of 1 to a million", lambda value: _is_count(value, 1, 10**6)),
    "shards": _COUNT,
    "seed": _Entry("a whole number", lambda value: type(value) is int and value >= 0),
    "keep": _Entry("a list of texts", lambda value: isinstance(value, list) and all(map(_is_text, value))),
    "within_limits": _Entry("true or false", lambda value: isinstance(value, bool)),
    "min_novelty_mm": _Entry("a number of 0 or more", _within(0.0, 1e6)),
    "definition_share": _Entry("a share from 0 to 1", _within(0.0, 1.0), needed=False),
    **dict.fromkeys(("format", "recipe", "checkpoint", "layout", "dataset"), _TEXT),
    "version": _Entry("a whole number", _is_count, needed=False),  # the first exports had none
    "recorded": _TEXT._replace(needed=False),
}
_FINISHED = _EXPORT | {
    "fps": _Entry("a number of frames a second", _within(1e-3, 1e6)),
    "licence": _TEXT._replace(needed=False),
    "shards": _Entry("a list of shards", lambda value: isinstance(value, list) and len(value) <= 10**6),
}
_LISTED = _SHARD | {
    "folder": _Entry("a shard's folder", lambda value: _is_text(value) and bool(_SHARD_FOLDER.fullmatch(value)))
}


def read_identity(path: Path) -> dict[str, Any]:
    return _checked(path, _read(path), _EXPORT)


def read_shard(path: Path) -> dict[str, Any]:
    return _checked(path, _read(path), _SHARD)


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a finished export, from manifest.json."""
    return _with_shards(path, _checked(path, _read(path), _FINISHED))


def read_notes(path: Path) -> dict[str, Any]:
    """Read what export.json or manifest.json say of the poses beside them; anything may be missing."""
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
        raise PoseFKError(f"{path} holds {which}{_quoted(content)}, expected {_EXPECTED}: {_ADVICE}")
    for name, entry in schema.items():
        if name in content and not entry.fits(content[name]) or name not in content and entry.needed:
            value = _quoted(content[name]) if name in content else "missing"
            raise PoseFKError(f"{path} is of no export: {which}{name} is {value}, expected {entry.expected}: {_ADVICE}")
    return {name: content[name] for name in schema if name in content}


def _quoted(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 3]}..."
