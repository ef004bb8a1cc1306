"""Files written whole or not at all."""

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_TROUBLE = (*DISK_FULL, errno.EROFS, errno.EIO, errno.EACCES)
_PART = re.compile(r"\.(?:.+\.)?(\d{1,9})\.part(?:\.[^.]+)?")


class DiskTrouble(OSError):
    """A disk that is full or broken, in one sentence."""


def unwritable(path: Path, error: OSError) -> PermissionError:
    """The refusal of a path that cannot be written to."""
    return PermissionError(f"Cannot write {path}: {error.strerror or error}. Choose a folder that can be written to.")


def check_can_write(path: Path | None, flag: str) -> None:
    """Refuse, before anything is computed for it, a file that could not be written. None: there is none to write."""
    if path is None:
        return
    if path.is_dir():
        raise IsADirectoryError(f"{flag} {path} is a folder, expected the name of a file.")
    check_room_for(path.absolute().parent, f"{flag} {path} cannot be written")


def check_room_for(folder: Path, problem: str) -> None:
    """Refuse a folder that cannot be made, or cannot be written to. problem: how the sentence begins."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        tempfile.TemporaryDirectory(dir=nearest).cleanup()  # permissions alone do not tell
    except OSError as error:
        reason = "cannot be written to" if nearest.is_dir() else "is a file"
        raise PermissionError(f"{problem}: {nearest} {reason}. Choose a folder that can be written to.") from error


@contextlib.contextmanager
def atomic_write(path: str | Path, synced: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path` (same suffix); it takes the place of `path` if all went well.

    The folder is made if need be. After an error, or if the computer fails, the old file is as it was; what a killed
    process leaves behind goes with remove_dead_parts. synced: wait for the disk; not where a checksum beside the file
    will tell whether it got there, as in exports, which are large.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        with full_disk_told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.touch()
        part.unlink()  # ext4 writes a file out, at once, that is opened to be emptied: it has to be new
    except DiskTrouble:
        raise
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with full_disk_told(path):
            yield part
            if synced and part.exists():
                to_disk(part)
        try:
            os.replace(part, path)
        except OSError as error:
            raise PermissionError(f"Cannot replace {path}: {error.strerror}. Move it out of the way.") from error
        if synced:
            to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: str | Path) -> Iterator[Path]:
    """Yields an empty folder inside `folder`; its files move into `folder` if all went well, and none otherwise.

    A folder that cannot be written to is refused before anything is computed; a full disk is one sentence too.
    """
    folder = Path(folder)
    made = not folder.exists()
    part = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.mkdir()
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield part
        files = sorted(part.iterdir())
        for file in files:
            to_disk(file)
        for file in files:
            if file.is_dir() and (folder / file.name).is_dir():  # replaces nothing but an empty one
                os.replace(folder / file.name, part / f".{file.name}.old")
            os.replace(file, folder / file.name)
        to_disk(folder)
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        raise DiskTrouble(
            f"Cannot write into {folder}: {error.strerror}. Nothing was kept; make room or choose another."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()


@contextlib.contextmanager
def full_disk_told(path: str | Path) -> Iterator[None]:
    """Inside, a full disk is one sentence that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise DiskTrouble(
            f"Cannot write {path}: {error.strerror}. What was there is as it was; make room or choose another folder."
        ) from error


def append_line(path: str | Path, line: str) -> None:
    """Put a line behind a text file's last one, whole or not at all."""
    path = Path(path)
    with full_disk_told(path):
        before = path.stat().st_size if path.exists() else 0
        try:
            with open(path, "a") as file:
                file.write(f"{line}\n")
        except OSError:
            os.truncate(path, before)
            raise


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would survive a computer that fails now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        # a file system that knows no such thing
    finally:
        os.close(handle)


def remove_dead_parts(folder: str | Path) -> None:
    """Remove what atomic_write and atomic_folder of processes that are no longer on this host have left in a folder."""
    for path in Path(folder).iterdir():
        match = _PART.fullmatch(path.name)
        if not match or is_alive(int(match[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_alive(process: object) -> bool:
    """Whether a process of that number runs on this host."""
    if not isinstance(process, int) or process <= 0:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True
