"""The page of recordings: the truth in grey, what the lifter made of it in colours, and the error in millimetres."""

import numpy as np
import viser
from viser import uplot

from evaluation.drawing.colours import RIGHT
from viewer.pages import Pages
from viewer.player import Player
from viewer.recordings import Recordings, Sight
from viewer.stage import Figure, Stage

OVER, BESIDE, HIDDEN = "over the truth", "beside the truth", "hidden"
PREVIOUS, NEXT = "Previous take", "Next take"


class RecordingsPage:
    """Choices of test set, take, camera and frame. A take is lifted when it is first drawn."""

    uses_orbit = False

    def __init__(self, pages: Pages, stage: Stage, recordings: Recordings) -> None:
        self._stage, self._recordings = stage, recordings
        gui, request = stage.server.gui, pages.redrawing.request
        self._test = gui.add_dropdown("test set", tuple(recordings.tests))
        self._recording = gui.add_dropdown("take", tuple(recordings.names(self._test.value)))
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
        """What was asked for. A new test set has other takes, a new take other cameras."""
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
            self._figures[key] = self._stage.figure(key, sight.skeleton, faint)
        return self._figures[key]

    def draw(self) -> bool:
        """The player's frame of the chosen take."""
        sight = self._chosen()
        frame = min(self.player.frame, len(sight) - 1)
        lifted = sight.lifted is not None and self._place.value != HIDDEN
        truth = self._figure("truth", sight, faint=sight.lifted is not None)
        with self._stage.server.atomic():
            self._stage.follow(sight.truth[frame, sight.skeleton.root].numpy())
            truth.show(sight.truth[frame].numpy())
            if lifted:
                joints = sight.lifted_world(frame, self._place.value == BESIDE)
                self._figure("lifted", sight, faint=False).show(joints.numpy())
            elif sight.lifted is not None:
                self._figure("lifted", sight, faint=False).hide()
            camera = sight.camera_of(frame) if sight.has_camera else None
            self._stage.show_picture(sight.screen[frame].numpy(), sight.skeleton, camera, "What the lifter sees.")
            self._errors.content = sight.sentence(frame)
        return False

    def hide(self) -> None:
        """Take both poses off the stage and pause."""
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
