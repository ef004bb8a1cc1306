"""The viewer put together: what cannot work is refused, the page opens with the body, then the other pages join."""

import contextlib
import importlib.util
import io
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from data import DataSettings
from kinematics.errors import PoseFKError
from posenets import Lifter, lifter_from_checkpoint, load_lifter
from posenets.lifter import FORMAT
from posenets.published import read_checkpoint
from viewer.settings import Viewer

if TYPE_CHECKING:
    import viser

    from viewer.pages import Pages

NO_CHECKPOINT = "Start with `--checkpoint FILE` to sample its generator and to see what its lifter makes of recordings."


class Running(NamedTuple):
    """A viewer at work."""

    server: "viser.ViserServer"
    pages: "Pages"


def start(settings: Viewer, opened: Callable[[str], object]) -> Running:
    """A running viewer with all its pages. opened: called with its address as soon as there is something to look at."""
    check_viser()
    check_port(settings.host, settings.port)
    content, lifter = (None, None) if settings.checkpoint is None else _read(settings.checkpoint, settings)
    # viser is an extra: nothing that imports it is imported before check_viser.
    from viewer.body_page import BodyPage
    from viewer.orbit_panel import OrbitPanel
    from viewer.pages import Pages
    from viewer.stage import Stage

    server = _serve(settings)
    stage = Stage(server)
    pages = Pages(stage)
    orbit = OrbitPanel(server.gui, pages)
    pages.add("Body", lambda: BodyPage(pages, stage, orbit))
    shown_host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    opened(f"http://{shown_host}:{server.get_port()}")
    _add_generator(pages, stage, orbit, content, settings.checkpoint)
    _add_recordings(pages, stage, settings, lifter)
    return Running(server, pages)


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


def _serve(settings: Viewer) -> "viser.ViserServer":
    import viser

    with contextlib.redirect_stdout(io.StringIO()):  # its banner says what `opened` says
        return viser.ViserServer(settings.host, settings.port, label="PoseFK", verbose=False)


def _read(path: Path, settings: Viewer) -> tuple[Any, Lifter]:
    content = read_checkpoint(path)
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return content, lifter_from_checkpoint(content, path)
    return content, load_lifter(path, settings.posenet_name, settings.input_mode)


def _add_generator(pages: Any, stage: Any, orbit: Any, content: Any, path: Path | None) -> None:
    from viewer.generator import ClipSource, why_no_generator
    from viewer.generator_page import GeneratorPage

    if path is None:
        pages.say("note", NO_CHECKPOINT)
        return
    missing = why_no_generator(content, path)
    if missing:
        print(missing, flush=True)
        pages.say("note", missing)
        return
    source = ClipSource.of_checkpoint(content)
    pages.add("Generator", lambda: GeneratorPage(pages, stage, orbit, source))


def _add_recordings(pages: Any, stage: Any, settings: Viewer, lifter: Lifter | None) -> None:
    from viewer.recordings import Recordings
    from viewer.recordings_page import RecordingsPage

    pages.say("busy", f"Loading the recordings of {settings.dataset} ...")
    data = DataSettings(
        data_root=settings.data_root, data_extra_root=settings.data_extra_root,
        num_joints=lifter.skeleton.num_joints if lifter else 16,
    )  # fmt: skip
    recordings = Recordings(settings.dataset, data, lifter)
    pages.add("Recordings", lambda: RecordingsPage(pages, stage, recordings))
    pages.say("busy", "")
