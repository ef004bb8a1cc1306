"""Pickle files of arrays, Python 2's as well, without running what is in them."""

from io import BufferedReader
from pathlib import Path
from typing import Any

from data.files.archive import BROKEN_FILE, in_short, most_bytes
from data.files.pickles import NotPlainError
from data.files.plain_arrays import restricted_load
from data.files.present import require_file
from data.files.stream import Stream

_BUFFER = 1 << 16


def load_pickle_restricted(path: str | Path, how_to_make: str = "") -> dict[str, Any]:
    """The dictionary of a pickle file, made of arrays, plain containers, numbers and text (Python 2's as latin-1).

    Anything else it asks for is refused, and what would come to more than 512 MiB and 30 times its size.
    """
    path = require_file(path, how_to_make)
    size = path.stat().st_size
    try:
        with BufferedReader(open(path, "rb", buffering=0), _BUFFER) as file:
            content = restricted_load(Stream(file, size, size), most_bytes(size))
    except NotPlainError as error:
        raise ValueError(
            f"{path} was refused: it asks to load {error}, expected only arrays of bool, integer, float or text, "
            "dicts, lists, strings and numbers. Nothing of it was run; get the file from a source you trust."
        ) from error
    except BROKEN_FILE as error:
        raise ValueError(f"{path} is damaged or no pickle ({in_short(error)}). Copy or make it again.") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ValueError(f"{path} holds a {type(content).__name__}, expected a dictionary of names. {how_to_make}")
    return content
