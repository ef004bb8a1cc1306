"""What is refused before anything starts: no viser, a port that is taken, a broken checkpoint. Imports no viser."""

import importlib.util
import socket
from typing import Any, NamedTuple

from augment.stored import stored_augmenter, why_no_augmenter
from kinematics.errors import PoseFKError
from posenets import Lifter, lifter_from_checkpoint, load_lifter
from posenets.checkpoints.content import is_posefk
from posenets.checkpoints.files import read_checkpoint
from viewer.settings import Viewer


class Checked(NamedTuple):
    """What a checkpoint holds, and the lifter in it; None without a checkpoint."""

    content: Any
    lifter: Lifter | None


def check(settings: Viewer) -> Checked:
    """Refuse in one sentence what cannot work, and read the checkpoint."""
    check_viser()
    check_port(settings.host, settings.port)
    path = settings.checkpoint
    if path is None:
        return Checked(None, None)
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
    return Checked(content, lifter)


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
