"""JSON files, with one sentence for each way of being broken."""

import json
import re
from pathlib import Path
from typing import Any

from data.files.present import require_file

MOST_BYTES = 512 << 20
MOST_CONTAINERS = 10_000_000  # lists and objects take 60 to 230 bytes each, however short they are written
DEEPEST = 64  # keypoint files have 5 levels
LONGEST_NUMBER = 40  # digits; whole numbers only, the digits of others are rounded
_MANY_DIGITS = re.compile(rb"\d{%d}" % LONGEST_NUMBER)


def read_json_or_lines(path: str | Path, expected: str) -> Any:
    """What a JSON file holds, or a list of what its lines hold, where each is JSON of its own (.jsonl)."""
    try:
        return read_json(path, expected)
    except ValueError as error:
        if not isinstance(error.__cause__, json.JSONDecodeError) or error.__cause__.msg != "Extra data":
            raise
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        try:
            content = [json.loads(line) for line in lines if line.strip()]
            _check_depth(content)
        except (ValueError, RecursionError):
            raise error from error.__cause__
        return content


def read_json(path: str | Path, expected: str) -> Any:
    """What a JSON file holds. expected: what it should be, for the messages ("a keypoint file").

    NaN and Infinity, which are not in the standard and which Python writes, are read: who needs a finite number checks.
    """
    path = require_file(path, f"Expected {expected}.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{path} has {size:,} bytes, at most {MOST_BYTES:,} are read as {expected}: cut it up.")
    raw = path.read_bytes()
    check_containers(raw, path)
    try:
        content = parse_json(raw)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not a JSON file or not a whole one (line {error.lineno}, column {error.colno}: {error.msg}), "
            f"expected {expected}. Was it cut short? Copy or make it again."
        ) from error
    except RecursionError as error:
        raise ValueError(
            f"{path} has lists or objects inside each other more than {DEEPEST} deep, expected {expected}."
        ) from error
    except ValueError as error:  # not UTF-8, or a number too long
        raise ValueError(f"{path} is not a JSON file ({error}), expected {expected}. Copy or make it again.") from error
    return content


def check_containers(raw: bytes, path: object) -> None:
    """Refuse JSON of more lists and objects than memory should be taken for. path: of the file."""
    containers = raw.count(b"[") + raw.count(b"{")
    if containers > MOST_CONTAINERS:
        raise ValueError(
            f"{path} has {containers:,} lists and objects, at most {MOST_CONTAINERS:,} are read: cut it up."
        )


def parse_json(raw: bytes) -> Any:
    """What JSON says; ValueError, or RecursionError if it is nested deeper than DEEPEST."""
    content = json.loads(raw.decode("utf-8-sig"), parse_int=_whole_number if _MANY_DIGITS.search(raw) else None)
    _check_depth(content)
    return content


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a whole number of {len(digits):,} digits")
    return int(digits)


def _check_depth(content: Any) -> None:
    level = [content]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, list | dict)
        ]
        if not level:
            return
    raise RecursionError
