"""The viewer put together: the page opens with the body, then the other pages join."""

from collections.abc import Callable
from typing import NamedTuple

import viser

from data import DataSettings
from kinematics.errors import PoseFKError, one_sentence
from posenets import Lifter
from posenets.shipped import BODY
from viewer.body import BodyPage
from viewer.clip import ClipPage
from viewer.orbit import OrbitPanel
from viewer.pages import Pages
from viewer.scene import Scene
from viewer.serving import serve
from viewer.settings import Checked, Viewer

NO_CHECKPOINT = (
    f"Recordings are lifted by `{BODY}`, which ships with PoseFK. Start with `--checkpoint FILE` for another and "
    "the synthetic poses of its run."
)


class Running(NamedTuple):
    """A running viewer."""

    server: viser.ViserServer
    pages: Pages

    def stop(self) -> None:
        """Stop drawing, then serving: what is drawn goes through the server."""
        self.pages.redrawing.stop()
        self.server.stop()


def start(settings: Viewer, checked: Checked, opened: Callable[[str], object]) -> Running:
    """Start a viewer with all its pages. opened: called with its address as soon as the first page is shown."""
    server = serve(settings)
    scene = Scene(server)
    running = Running(server, Pages(scene))
    pages, orbit = running.pages, OrbitPanel(server.gui, running.pages)
    try:
        if checked.clips:
            pages.add("Clip", lambda: ClipPage(pages, scene, checked.clips))
        pages.add("Body", lambda: BodyPage(pages, scene, orbit))
        opened(f"http://{_shown(settings.host)}:{server.get_port()}")
        _add_synthetic(pages, scene, orbit, settings, checked)
        _add_recordings(pages, scene, settings, checked.lifter)
    except BaseException:
        running.stop()
        raise
    return running


def _shown(host: str) -> str:
    """Return a host that a browser can open."""
    if host in ("", "0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _add_synthetic(pages: Pages, scene: Scene, orbit: OrbitPanel, settings: Viewer, checked: Checked) -> None:
    # Imported late, here and below: the page is open by now.
    from viewer.generator import ClipSource, GeneratorPage, has_generator
    from viewer.synthetic import SyntheticPage, load_synthetic

    path, content = settings.checkpoint, checked.content
    if path is None:
        pages.say("note", NO_CHECKPOINT)
    elif has_generator(content):
        source = ClipSource.of_checkpoint(content, path)
        pages.add("Synthetic", lambda: GeneratorPage(pages, scene, orbit, source))
        return
    pages.say("busy", "Loading the motion that synthetic poses are made from ...")
    try:
        poses, about = load_synthetic(content, path, settings.data_root)
    except (PoseFKError, ValueError, OSError) as error:  # the other pages need none of it
        about = f"No synthetic poses of this run: {one_sentence(error)}"
        print(about, flush=True)
        pages.say("note", about)
        return
    pages.add("Synthetic", lambda: SyntheticPage(pages, scene, poses, about))


def _add_recordings(pages: Pages, scene: Scene, settings: Viewer, lifter: Lifter | None) -> None:
    from viewer.recordings import Recordings, RecordingsPage

    pages.say("busy", f"Loading the recordings of {settings.dataset} ...")
    data = DataSettings(
        data_root=settings.data_root, data_extra_root=settings.data_extra_root,
        num_joints=lifter.skeleton.num_joints if lifter else 16,
    )  # fmt: skip
    recordings = Recordings(settings.dataset, data, lifter)
    pages.add("Recordings", lambda: RecordingsPage(pages, scene, recordings))
    pages.say("busy", "")
