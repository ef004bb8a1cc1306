"""Files of a run: its folder, last.pt to go on from, best_<test set>.pt to use."""

import contextlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from data.devices import go_on
from data.files.lock import folder_lock
from data.files.writing import atomic_write, remove_dead_parts, to_disk
from posenets import Lifter, PoseNet
from posenets.checkpoints.content import is_posefk
from posenets.checkpoints.files import read_checkpoint
from training.config import Settings, to_plain
from training.stored import checked_run

LAST, PREVIOUS = "last.pt", "last.previous.pt"
RUN = "run"  # what last.pt holds beyond a lifter
FIGURES = "figures"


def make_run_folder(settings: Settings, suffix: str = "") -> Path:
    """Make <checkpoint>/<lifter>/<keypoints>/<time>_<note>/ with settings.json. suffix: behind a shared note."""
    parent = Path(settings.output.checkpoint) / settings.lifter.posenet_name / settings.data.keypoints
    note = settings.output.note
    name = f"{time.strftime('%Y%m%d-%H%M%S')}_{note + suffix if note else settings.recipe}"
    for attempt in range(1, 1000):
        folder = parent / (name if attempt == 1 else f"{name}_{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if folder.is_dir():
                continue
            raise
        except OSError as error:
            raise PermissionError(
                f"--checkpoint {settings.output.checkpoint}: the run's folder {folder} cannot be made "
                f"({error.strerror}). Choose a folder that can be written to."
            ) from error
        write_settings(folder, settings)
        return folder
    raise FileExistsError(f"{parent / name} and 998 more exist: choose another --note.")


def check_folder(settings: Settings) -> None:
    """Refuse a --checkpoint in which no folder can be made, before the data are loaded for it."""
    asked = Path(settings.output.checkpoint).absolute()
    nearest = next(folder for folder in (asked, *asked.parents) if os.path.exists(folder))
    try:
        tempfile.TemporaryDirectory(dir=nearest).cleanup()  # permissions alone do not tell
    except OSError as error:
        reason = "cannot be written to" if nearest.is_dir() else "is a file"
        raise PermissionError(
            f"--checkpoint {settings.output.checkpoint}: the run's folder cannot be made there ({nearest} {reason}). "
            "Choose a folder that can be written to."
        ) from error


def write_settings(folder: Path, settings: Settings, network: PoseNet | None = None) -> None:
    """settings.json: what the run was asked, the sizes of its network, and with which versions it ran."""
    content = {**to_plain(settings), "versions": {"python": platform.python_version(), "torch": torch.__version__}}
    if network is not None:
        content["network"] = {"num_joints": network.num_joints, "frames": network.frames, "sizes": network.sizes}
    with atomic_write(folder / "settings.json") as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def find_last(path: str | Path) -> Path:
    """Find the last.pt that --resume means: the file, or the one in the folder."""
    path = Path(path)
    last = path / LAST if path.is_dir() else path
    if path.is_dir() and not last.exists() and (path / PREVIOUS).is_file():
        return path / PREVIOUS
    if not last.is_file():
        raise FileNotFoundError(f"--resume {path}: {last} is missing, expected the folder of a run that was saved.")
    return last


def find_lifter(path: str | Path, folder: str | Path) -> Path:
    """Find the checkpoint that --evaluate means: the file, or the one of that name in the --checkpoint folder."""
    for candidate in (Path(path), Path(folder) / path):
        if candidate.is_file():
            return candidate
    if Path(path).is_dir():
        raise IsADirectoryError(f"--evaluate {path} is a folder, expected a checkpoint file: in a run's folder {LAST}.")
    raise FileNotFoundError(f"--evaluate {path} is missing, here and in {folder}: expected a checkpoint file.")


def read_last(path: str | Path) -> dict[str, Any]:
    """Read the state of a run (see save_last)."""
    last = find_last(path)
    content = read_checkpoint(last)
    if not is_posefk(content) or not isinstance(content.get(RUN), dict):
        raise ValueError(
            f"--resume {path}: {last} is not the state of a run, expected its last.pt (to judge a lifter: --evaluate)."
        )
    return {**checked_run(content, last), "settings": content["settings"]}


def save_last(
    folder: Path, lifter: Lifter, epoch: int, settings: Settings, state: dict[str, Any], keep: bool = True
) -> None:
    """Write last.pt atomically: a lifter's checkpoint and the run's state. keep: the one before as last.previous.pt."""
    with atomic_write(folder / LAST) as part:
        write_checkpoint(part, {**lifter.to_checkpoint(epoch, to_plain(settings)), RUN: state})
        if keep and (folder / LAST).is_file():
            to_disk(part)  # before the older of two good ones goes
            _keep_previous(folder)


def _keep_previous(folder: Path) -> None:
    """Give last.pt the name last.previous.pt too; its own it keeps until the next one takes it."""
    part = folder / f".{PREVIOUS}.{os.getpid()}.part"
    try:
        os.link(folder / LAST, part)
        os.replace(part, folder / PREVIOUS)
    except OSError:  # a file system without links: for a moment there is only the previous one
        os.replace(folder / LAST, folder / PREVIOUS)
    finally:
        part.unlink(missing_ok=True)  # if both were one file before, it is still there


def save_lifter(path: Path, lifter: Lifter, epoch: int, settings: Settings) -> None:
    """Write a lifter's checkpoint for posenets.load_lifter, whole or not at all."""
    with atomic_write(path) as part:
        write_checkpoint(part, lifter.to_checkpoint(epoch, to_plain(settings)))


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """torch.save, which says OSError where the disk refuses."""
    with open(path, "wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # PyTorch's own, while it tidies up behind the disk's
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def stamp(path: str | Path) -> tuple[int, int]:
    """Return what tells two versions of the last.pt that --resume means apart."""
    status = find_last(path).stat()
    return status.st_mtime_ns, status.st_size


def check_stamps(path: str | Path, read: list[tuple[int, int]]) -> None:
    """Refuse to go on from a last.pt that was written anew before its folder was held. read: stamps of the one read."""
    if set(read) != {stamp(path)}:
        raise ValueError(f"--resume {path}: the run went on elsewhere while this one was starting: start it again.")


@contextlib.contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep every other run out of a run's folder, and tidy up behind those that were killed in it."""
    with folder_lock(folder, "a training run"):
        for place in (folder, folder / FIGURES):
            if place.is_dir():
                remove_dead_parts(place)
        yield


def random_state(device: torch.device) -> dict[str, Any]:
    """State of PyTorch's own generators (dropout)."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    go_on(torch.default_generator, state["cpu"], "The saved run")
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"], device)
