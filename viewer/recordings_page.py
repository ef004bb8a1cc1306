"""The page of recordings: the target in grey, what the lifter made of it in colours, and the error in millimetres."""

import numpy as np
import viser
from viser import uplot

from evaluation.drawing.colours import RIGHT
from viewer.pages import Pages
from viewer.player import Player
from viewer.recordings import Recordings, Sight
from viewer.scene import Figure, Scene

OVER, BESIDE, HIDDEN = "over the target", "beside the target", "hidden"
PREVIOUS, NEXT = "Previous recording", "Next recording"


class RecordingsPage:
    """Choices of test set, recording, camera and frame. A recording is lifted when it is first drawn."""

    uses_orbit = False

    def __init__(self, pages: Pages, scene: Scene, recordings: Recordings) -> None:
        self._scene, self._recordings = scene, recordings
        gui, request = scene.server.gui, pages.redrawing.request
        self._test = gui.add_dropdown("test set", tuple(recordings.tests))
        self._recording = gui.add_dropdown("recording", tuple(recordings.names(self._test.value)))
        turn = gui.add_button_group("", (PREVIOUS, NEXT))
        turn.on_click(lambda event: self._turn(1 if event.target.value == NEXT else -1))
        self._camera = gui.add_dropdown("camera", self._camera_names(self._test.value, self._recording.value))
        self._place = gui.add_dropdown("lifted pose", (OVER, BESIDE, HIDDEN), visible=recordings.lifts)
        for handle in (self._test, self._recording, self._camera, self._place):
            handle.on_update(request)
        self.player = Player(gui, request)
        self._errors = gui.add_markdown("")
        self._curve = _error_curve(gui) if recordings.lifts else None
        self._figures: dict[str, Figure] = {}
        self._asked = ("", "", "")
        self._sight: Sight | None = None

    def _camera_names(self, test: str, recording: str) -> tuple[str, ...]:
        return tuple(view.camera_name for view in self._recordings.recording(test, recording).views)

    def _turn(self, step: int) -> None:
        names = self._recording.options
        self._recording.value = names[(names.index(_choice(self._recording)) + step) % len(names)]

    def _chosen(self) -> Sight:
        """What was asked for. A new test set has other recordings, a new recording other cameras."""
        test = self._test.value
        if test != self._asked[0]:
            self._recording.options = tuple(self._recordings.names(test))
        recording = _choice(self._recording)
        if (test, recording) != self._asked[:2]:
            self._camera.options = self._camera_names(test, recording)
        asked = test, recording, _choice(self._camera)
        if asked != self._asked or self._sight is None:
            self._asked = asked
            self._sight = self._recordings.sight(self._recordings.recording(*asked[:2]), asked[2])
            self.player.load(len(self._sight), self._sight.fps)
            if self._curve is not None:
                errors = self._sight.errors.mean(dim=1).double().numpy()
                self._curve.data = np.arange(len(errors), dtype=np.float64), errors
        return self._sight

    def _figure(self, name: str, sight: Sight, faint: bool) -> Figure:
        key = f"{name}_{sight.skeleton.name}"
        if key not in self._figures:
            self._figures[key] = self._scene.figure(key, sight.skeleton, faint)
        return self._figures[key]

    def draw(self) -> bool:
        """The player's frame of the chosen recording."""
        sight = self._chosen()
        frame = min(self.player.frame, len(sight) - 1)
        predicted = sight.predicted is not None and self._place.value != HIDDEN
        target = self._figure("target", sight, faint=sight.predicted is not None)
        with self._scene.server.atomic():
            self._scene.follow(sight.target[frame, sight.skeleton.root].numpy())
            target.show(sight.target[frame].numpy())
            if predicted:
                joints = sight.predicted_world(frame, self._place.value == BESIDE)
                self._figure("lifted", sight, faint=False).show(joints.numpy())
            elif sight.predicted is not None:
                self._figure("lifted", sight, faint=False).hide()
            camera = sight.camera_of(frame) if sight.has_camera else None
            self._scene.show_picture(sight.screen[frame].numpy(), sight.skeleton, camera, "What the lifter sees.")
            self._errors.content = sight.sentence(frame)
        return False

    def hide(self) -> None:
        """Take both poses out of the scene and pause."""
        for figure in self._figures.values():
            figure.hide()
        self.player.stop()


def _choice(dropdown: viser.GuiDropdownHandle[str]) -> str:
    """What is chosen; the first, where a window has chosen what another has just taken off."""
    return dropdown.value if dropdown.value in dropdown.options else dropdown.options[0]


def _error_curve(gui: viser.GuiApi) -> viser.GuiUplotHandle:
    empty = np.zeros(2)
    series = uplot.Series(label="frame"), uplot.Series(label="mm", stroke=RIGHT, width=2)
    scales = {"x": uplot.Scale(time=False)}
    return gui.add_uplot((empty, empty), series, title="MPJPE of every frame, mm", scales=scales, aspect=1.8)
