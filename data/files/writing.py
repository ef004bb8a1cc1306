"""Files written whole or not at all."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES)


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path in the folder of `path` (same suffix); it takes the place of `path` if all went well.

    The folder is made if need be. After an error the old file is as it was and nothing else is left behind.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        part.unlink()  # ext4 writes a file out, at once, that is opened to be emptied: it has to be new
    except OSError as error:
        raise PermissionError(
            f"Cannot write {path}: {error.strerror or error} ({path.parent}). Choose a folder that can be written to."
        ) from error
    try:
        yield part
        try:
            os.replace(part, path)
        except OSError as error:
            raise PermissionError(
                f"Cannot replace {path}: {error.strerror or error}. Move it out of the way."
            ) from error
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
        raise PermissionError(
            f"Cannot write into {folder}: {error.strerror or error}. Choose a folder that can be written to."
        ) from error
    try:
        yield part
        for file in sorted(part.iterdir()):
            os.replace(file, folder / file.name)
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        raise OSError(
            f"Cannot write into {folder}: {error.strerror}. Nothing was kept; make room or choose another folder."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()
