"""Settings of `python -m viewer`, and what is refused before anything starts. Does not import viser."""

import importlib.util
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from augment.stored import stored_augmenter, why_no_augmenter
from data import DATA_SOURCES, DataSettings, standalone_test_sets
from data.data_source import choose
from data.files.present import require_file
from data.mpi_inf_3dhp import test_set as test_set_3dhp
from evaluation.predict.files import BVH_LAYOUT
from evaluation.predict.files.reading import load_clips
from evaluation.predict.lifted import LiftedClip
from kinematics.errors import PoseFKError
from posenets import Lifter, lifter_from_checkpoint, load_lifter
from posenets.checkpoints.content import is_posefk
from posenets.checkpoints.files import read_checkpoint
from posenets.shipped import BODY
from viewer.gate import check_allow_host


@dataclass
class Viewer:
    """Look at a lifted clip, the body, synthetic poses and recordings in the browser."""

    clip: Path | None = None
    """Folder that `posefk predict` wrote: its person on the floor, with curves of the joint angles. Also without the
    flag's name: posefk view FOLDER."""
    checkpoint: Path | None = None
    """A run's last.safetensors (its synthetic poses and its lifter), or any checkpoint of a lifter; None: a lifter that
    ships (posefk models)."""
    dataset: str = "cmu"
    """Recordings to page through: cmu (built in), h36m, mpi_inf_3dhp, ski, 3dhp or 3dhp_sparse."""
    port: int = 8080
    """Port of the page; 0: any that is free."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in."""
    allow_host: tuple[str, ...] = ()
    """Further names and addresses that the page may be opened by, such as a proxy's; several one after another."""
    open: bool = False
    """Open the page in this machine's browser."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    data_extra_root: str = "data_extra"
    """Folder of the 3DHP test set."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint."""
    input_mode: str = "screen"
    """What an original project's lifter reads (PoseFK's checkpoints say it themselves)."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


class Checked(NamedTuple):
    """What a checkpoint holds, and the lifter in it; None without a checkpoint. clips: lifted ones, by person."""

    content: Any
    lifter: Lifter | None
    clips: dict[str, LiftedClip]


def check(settings: Viewer) -> Checked:
    """Refuse in one sentence what cannot work, and read the checkpoint."""
    check_viser()
    check_port(settings.host, settings.port)
    check_allow_host(settings.allow_host)
    check_recordings(settings)
    clips = {} if settings.clip is None else check_clips(settings.clip)
    path = settings.checkpoint
    if path is None:
        return Checked(None, load_lifter(BODY), clips)
    content = read_checkpoint(path)
    if is_posefk(content):
        lifter = lifter_from_checkpoint(content, path)
    else:
        lifter = load_lifter(path, settings.posenet_name, settings.input_mode)
    if lifter.views > 1:
        raise PoseFKError(
            f"{path} sees {lifter.views} cameras at once and the viewer shows one: look at figures/lifted_*.png of its "
            "run."
        )
    if is_posefk(content) and why_no_augmenter(content) is None:
        stored_augmenter(content, path)  # so that a broken one is told before a page opens
    return Checked(content, lifter, clips)


def check_clips(folder: Path) -> dict[str, LiftedClip]:
    """Load lifted clips; refuse those whose joints have no DH body."""
    clips = load_clips(folder)
    for name, clip in clips.items():
        if not clip.skeleton.can_become(BVH_LAYOUT):
            raise PoseFKError(
                f"{folder / name} has the joints of {clip.skeleton.name}, expected a layout that has those of "
                f"{BVH_LAYOUT.name}: joint angles are of these."
            )
    return clips


def check_viser() -> None:
    """Refuse to start without viser, and say how to get it."""
    if importlib.util.find_spec("viser") is None:
        raise PoseFKError('The viewer needs viser, which is not installed: pip install -e ".[viewer]"')


def check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on; viser would quietly take another port."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PoseFKError(
            f"--port {port} of {host} cannot be used ({reason}): choose another with --port, 0 for any that is free."
        ) from error


def check_recordings(settings: Viewer) -> None:
    """Refuse a data set whose file is not there; what is in it is read when the page is open."""
    choose("--dataset", [settings.dataset], [*DATA_SOURCES, *standalone_test_sets()])
    if settings.dataset in DATA_SOURCES:
        source = DATA_SOURCES[settings.dataset]
        how_to_make, paths = source.how_to_make, source.required_files(DataSettings(data_root=settings.data_root))
    elif settings.dataset in (test_set_3dhp.VIDEO, test_set_3dhp.SPARSE):
        how_to_make, paths = test_set_3dhp.HOW_TO_MAKE, [Path(settings.data_extra_root) / test_set_3dhp.TEST_FILE]
    else:
        how_to_make, paths = "", []
    for path in paths:
        require_file(path, how_to_make)
