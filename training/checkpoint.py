"""Files of a run: its folder, last.safetensors to go on from, best_<test set>.safetensors to use."""

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from data.devices import go_on
from data.files.lock import folder_lock
from data.files.writing import atomic_write, check_room_for, remove_dead_parts, to_disk
from posenets import Lifter, PoseNet
from posenets.checkpoints.content import is_posefk
from posenets.checkpoints.files import LAST, OLD_SUFFIX, PREVIOUS, find_checkpoint, read_checkpoint, write_checkpoint
from posenets.checkpoints.safetensors_file import DamagedError, write_safetensors
from training.config import Settings, to_plain
from training.stored import checked_run

RUN = "run"  # what last.safetensors holds beyond a lifter
FIGURES = "figures"
Stamp = tuple[int, int]  # what tells two versions of a file apart


class SavedRun(NamedTuple):
    """The state of a run (TrainingState.save), the file it was read from, and which version of that."""

    state: dict[str, Any]
    path: Path
    stamp: Stamp


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
    asked = settings.output.checkpoint
    check_room_for(Path(asked).absolute(), f"--checkpoint {asked}: the run's folder cannot be made there")


def write_settings(folder: Path, settings: Settings, network: PoseNet | None = None) -> None:
    """settings.json: what the run was asked, the sizes of its network, and with which versions it ran."""
    content = {**to_plain(settings), "versions": {"python": platform.python_version(), "torch": torch.__version__}}
    if network is not None:
        content["network"] = {"num_joints": network.num_joints, "frames": network.frames, "sizes": network.sizes}
    with atomic_write(folder / "settings.json") as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def saved_states(path: str | Path) -> list[Path]:
    """List the files that --resume means: the one, or a folder's, the newest first and those of old versions last."""
    path = Path(path)
    if not path.is_dir():
        names = [find_checkpoint(path)]
    else:
        stem = PREVIOUS.removesuffix(path.with_name(PREVIOUS).suffix)
        before = sorted(path.glob(f"{stem}*{Path(LAST).suffix}"), key=lambda file: (len(file.name), file.name))
        names = [path / LAST, *before, *(Path(path / name).with_suffix(OLD_SUFFIX) for name in (LAST, PREVIOUS))]
    states = [name for name in names if name.is_file()]
    if not states:
        missing = path / LAST if path.is_dir() else path
        raise FileNotFoundError(f"--resume {path}: {missing} is missing, expected the folder of a run that was saved.")
    return states


def find_lifter(path: str | Path, folder: str | Path) -> Path:
    """Find the checkpoint that --evaluate means: the file, or the one of that name in the --checkpoint folder."""
    for candidate in (Path(path), Path(folder) / path):
        if find_checkpoint(candidate).is_file():
            return find_checkpoint(candidate)
    if Path(path).is_dir():
        raise IsADirectoryError(f"--evaluate {path} is a folder, expected a checkpoint file: in a run's folder {LAST}.")
    raise FileNotFoundError(f"--evaluate {path} is missing, here and in {folder}: expected a checkpoint file.")


def read_last(path: str | Path) -> SavedRun:
    """Read the newest state of a run that is not damaged (see saved_states), and say which damaged ones are newer."""
    damage: DamagedError | None = None
    for state in saved_states(path):
        try:
            version, content = stamp(state), read_checkpoint(state)
        except DamagedError as error:
            damage = damage or error
            continue
        if damage is not None and not int(os.environ.get("RANK", 0)):
            print(f"{str(damage).partition('). ')[0]}): going on from {state}.", file=sys.stderr)
        if not is_posefk(content) or not isinstance(content.get(RUN), dict):
            raise ValueError(
                f"--resume {path}: {state} is not the state of a run, expected its {LAST} (to judge a lifter: "
                "--evaluate)."
            )
        return SavedRun({**checked_run(content, state), "settings": content["settings"]}, state, version)
    assert damage is not None
    raise damage


def save_last(folder: Path, lifter: Lifter, epoch: int, settings: Settings, state: dict[str, Any], keep: int) -> None:
    """Write last.safetensors atomically: a lifter's checkpoint and the run's state. keep: states, the new one too."""
    with atomic_write(folder / LAST) as part:
        write_safetensors(part, {**lifter.to_checkpoint(epoch, to_plain(settings)), RUN: state})
        if keep > 1 and (folder / LAST).is_file():
            to_disk(part)  # before the oldest of the good ones goes
            _keep_previous(folder, keep - 1)


def _keep_previous(folder: Path, count: int) -> None:
    """Make last.safetensors the newest of `count` previous ones too; its own name it keeps until the next one comes."""
    names = [folder / PREVIOUS, *(Path(folder / PREVIOUS.replace("previous", f"previous{i}")) for i in range(2, 100))]
    for older, newer in reversed([*zip(names[1:count], names, strict=False)]):
        if newer.is_file():
            os.replace(newer, older)
    part = folder / f".{PREVIOUS}.{os.getpid()}.part"
    try:
        os.link(folder / LAST, part)
        os.replace(part, names[0])
    except OSError:  # a file system without links: for a moment there is only the previous one
        os.replace(folder / LAST, names[0])
    finally:
        part.unlink(missing_ok=True)  # if both were one file before, it is still there
    for name in names[count:]:
        name.unlink(missing_ok=True)


def save_lifter(path: Path, lifter: Lifter, epoch: int, settings: Settings) -> None:
    """Write a lifter's checkpoint for posenets.load_lifter."""
    write_checkpoint(path, lifter.to_checkpoint(epoch, to_plain(settings)))


def stamp(path: Path) -> Stamp:
    """Return what tells two versions of a file apart: when it was written, and its size in bytes."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def check_stamps(path: Path, read: list[Stamp]) -> None:
    """Refuse to go on from a state that was written anew before its folder was held. read: stamps of the one read."""
    if not path.is_file() or set(read) != {stamp(path)}:
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
