"""Read and write checkpoint files: complete, undamaged, and nothing but weights and plain values."""

import sys
import zipfile
from pathlib import Path
from typing import Any

from data.files.pickles import RefusedError
from data.files.writing import atomic_write
from data.plugins import refuse_missing_plugins
from posenets.checkpoints.archive import members_of, read_members, read_stream
from posenets.checkpoints.safetensors_file import DamagedError, read_safetensors, write_safetensors
from posenets.shipped import shipped_path

SUFFIX, OLD_SUFFIX = ".safetensors", ".pt"  # of checkpoints, and of those of earlier versions
LAST, PREVIOUS = f"last{SUFFIX}", f"last.previous{SUFFIX}"  # the state of a run, and the one before it
ZIP_START = b"PK\x03\x04"


def find_checkpoint(path: str | Path) -> Path:
    """Find the file that a name means: one that ships, by its name; last.pt of earlier versions is last.safetensors."""
    path = Path(path)
    shipped = shipped_path(path)
    if shipped is not None and not path.exists():
        return shipped
    others = {SUFFIX: OLD_SUFFIX, OLD_SUFFIX: SUFFIX}
    other = path.with_suffix(others.get(path.suffix, path.suffix))
    if path.exists() or not other.is_file():
        return path
    print(f"{path} is missing: {other.name} is read, which is beside it.", file=sys.stderr)
    return other


def write_checkpoint(path: str | Path, content: dict[str, Any]) -> None:
    """Write nested dictionaries of tensors and plain values (Lifter.to_checkpoint), all of it or nothing."""
    with atomic_write(path) as part:
        write_safetensors(part, content)


def read_checkpoint(path: str | Path) -> Any:
    """Read a .safetensors, .pt, .pth, .bin or .tar file without executing its code; checksums are verified."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a checkpoint file: in a run's folder {LAST}.")
    path = find_checkpoint(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: expected a checkpoint file of a lifter.")
    try:
        content = _reader(path)(path)
    except (zipfile.BadZipFile, EOFError, DamagedError) as error:
        raise DamagedError(
            f"{path} cannot be read as a checkpoint: it is damaged ({_said(error)}). {_remedy(path)}"
        ) from error
    except OSError:  # an unreadable file is not a damaged one
        raise
    except Exception as error:  # broken pickles raise errors of many types
        reason = _said(error) if isinstance(error, RefusedError) else "this is no file of PyTorch's, or a damaged one"
        raise ValueError(f"{path} cannot be read as a checkpoint: expected weights alone, but {reason}.") from error
    refuse_missing_plugins(content, path)
    return content


def _reader(path: Path) -> Any:
    """Return the function that reads a file's format, by its suffix and its first bytes."""
    with open(path, "rb") as file:
        start = file.read(9)
    if path.suffix == SUFFIX or start[8:] == b"{":
        return read_safetensors
    if start.startswith(ZIP_START) or zipfile.is_zipfile(path):
        return lambda path: read_members(members_of(path))
    return read_stream


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".") or "it ends too early"


def _remedy(path: Path) -> str:
    previous = path.with_name(PREVIOUS).with_suffix(path.suffix)
    if path.name != previous.name and previous.is_file():
        return f"Copy it again, or go on from the state before, {previous}."
    return "Copy it again, or use an earlier one."
