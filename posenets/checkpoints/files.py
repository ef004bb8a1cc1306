"""Read checkpoint files: complete, undamaged, and nothing but weights and plain values."""

import zipfile
from pathlib import Path
from typing import Any

from data.files.pickles import RefusedError
from data.plugins import refuse_missing_plugins
from posenets.checkpoints.archive import members_of, read_members, read_stream

PREVIOUS = "last.previous.pt"  # the state before last.pt
ZIP_START = b"PK\x03\x04"


def read_checkpoint(path: str | Path) -> Any:
    """Read a .pt, .pth, .bin or .tar file without executing its code; a zip's bytes are checked by CRC-32."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a checkpoint file: in a run's folder last.pt.")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: expected a checkpoint file of a lifter.")
    with open(path, "rb") as file:  # an unreadable file is not a damaged one
        archive = file.read(len(ZIP_START)) == ZIP_START
    try:
        content = read_members(members_of(path)) if archive or zipfile.is_zipfile(path) else read_stream(path)
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(
            f"{path} cannot be read as a checkpoint: it is damaged ({_said(error)}). {_remedy(path)}"
        ) from error
    except Exception as error:  # broken pickles raise errors of many types
        reason = _said(error) if isinstance(error, RefusedError) else "this is no file of PyTorch's, or a damaged one"
        raise ValueError(f"{path} cannot be read as a checkpoint: expected weights alone, but {reason}.") from error
    refuse_missing_plugins(content, path)
    return content


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".") or "it ends too early"


def _remedy(path: Path) -> str:
    previous = path.with_name(PREVIOUS)
    if path.name != PREVIOUS and previous.is_file():
        return f"Copy it again, or go on from the state before, {previous}."
    return "Copy it again, or use an earlier one."
