"""A file that has to be there."""

from pathlib import Path


def require_file(path: str | Path, how_to_make: str = "") -> Path:
    """The path, if there is a file with something in it; otherwise one sentence ending in `how_to_make`."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file. {how_to_make}".strip())
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. {how_to_make}".strip())
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes). Copy or make it again. {how_to_make}".strip())
    return path
