"""Pickle files of arrays, Python 2's as well, without running what is in them."""

from pathlib import Path
from typing import Any

from data.files.archive import most_bytes
from data.files.npz import refused_in_words
from data.files.plain_arrays import restricted_load
from data.files.present import require_file
from data.files.stream import Stream


def load_pickle_restricted(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """The dictionary of a pickle file, made of arrays, plain containers, numbers and text (Python 2's as latin-1).

    Anything else it asks for is refused, and what would come to more than 512 MiB and 30 times its size.
    """
    path = require_file(path, how_to_make)
    size = path.stat().st_size
    with refused_in_words(path), open(path, "rb") as file:
        content = restricted_load(Stream(file, size, size), most_bytes(size))
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ValueError(f"{path} holds a {type(content).__name__}, expected a dictionary of names. {how_to_make}")
    return content
