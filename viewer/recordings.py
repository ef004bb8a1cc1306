"""The page of recordings: the target in grey, what the lifter predicts in colours, and the error in millimetres."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
import viser
from jaxtyping import Float
from torch import Tensor
from viser import uplot

from data import DATA_SOURCES, DataSettings, PoseDataset, Recording, load_dataset, load_test_set
from evaluation import EvaluationResult
from evaluation.drawing.colours import RIGHT
from evaluation.evaluate import predict_dataset
from kinematics import Camera, Skeleton
from kinematics.camera import NUM_INTRINSICS
from posenets import Lifter
from viewer.body import on_the_floor
from viewer.pages import Pages, Player
from viewer.scene import Figure, Scene

OVER, BESIDE, HIDDEN = "over the target", "beside the target", "hidden"
PREVIOUS, NEXT = "Previous recording", "Next recording"
BESIDE_M = 1.2  # how far to the right of the target, as the camera sees it, predicted poses stand when beside it


@dataclass
class Sight:
    """One camera's view of one recording. screen: (F, J, 2); target: (F, J, 3) metres, world.

    camera: one per frame where it moves; a level one without has_camera. predicted: None without a lifter.
    """

    skeleton: Skeleton
    fps: float
    screen: Tensor
    target: Tensor
    camera: Camera
    has_camera: bool
    predicted: EvaluationResult | None

    def __len__(self) -> int:
        return len(self.target)

    def predicted_world(self, frame: int, beside: bool) -> Float[Tensor, "joints 3"]:
        """Return the predicted pose with its root at the target's, or BESIDE_M to the right of it."""
        assert self.predicted is not None
        joints = self.predicted.prediction[frame] + torch.tensor([BESIDE_M * beside, 0.0, 0.0])
        root = self.target[frame, self.skeleton.root]
        camera = self.camera_of(frame)
        return camera.camera_to_world(joints) - camera.translation + root

    def camera_of(self, frame: int) -> Camera:
        return self.camera[frame] if self.camera.translation.ndim > 1 else self.camera

    @cached_property
    def errors(self) -> Float[Tensor, "frames joints"]:
        """Joint errors, millimetres."""
        assert self.predicted is not None
        return 1000 * self.predicted.errors.plain

    def sentence(self, frame: int) -> str:
        """Describe the errors of one frame and the mean of the recording."""
        if self.predicted is None:
            return "No lifter: start with `--checkpoint FILE` to see lifted poses."
        errors = self.errors[frame]
        worst = int(errors.argmax())
        aligned = 1000 * self.predicted.errors.aligned[frame].mean()
        return (
            f"**MPJPE {errors.mean():.1f} mm** in this frame, {self.errors.mean():.1f} mm over the recording.  \n"
            f"P-MPJPE {aligned:.1f} mm in this frame.  \n"
            f"Farthest off: {self.skeleton.joints[worst]}, {errors[worst]:.0f} mm."
        )


class Recordings:
    """The test recordings of a data set. lifter: lifts them, if given."""

    def __init__(self, dataset: str, settings: DataSettings, lifter: Lifter | None) -> None:
        self._lifter = lifter
        if dataset in DATA_SOURCES:
            self.tests = load_dataset(dataset, settings).tests
        else:
            self.tests = {dataset: load_test_set(dataset, settings, lifter.frames if lifter else 1)}

    @property
    def lifts(self) -> bool:
        """Whether there is a lifter."""
        return self._lifter is not None

    def names(self, test_set: str) -> list[str]:
        numbered = enumerate(self.tests[test_set], start=1)
        return [f"{i}. {recording.subject} {recording.action}".strip() for i, recording in numbered]

    def recording(self, test_set: str, name: str) -> Recording:
        return self.tests[test_set][self.names(test_set).index(name)]

    def sight(self, recording: Recording, camera_name: str) -> Sight:
        """Lift one camera's view of a recording: all its frames, also those that tests leave out as glitches."""
        view = next(view for view in recording.views if view.camera_name == camera_name)
        alone = [replace(recording, views=(view,))]
        lifter = self._lifter
        skeleton = lifter.skeleton if lifter else Skeleton.from_num_joints(view.joints_3d.shape[1])
        frames, target_frame = (lifter.frames, lifter.target_frame) if lifter else (1, 0)
        dataset = PoseDataset.from_recordings(
            alone, skeleton.name, frames, only_usable=False, target=target_frame, only_present=False
        )
        camera = view.camera or _level_camera()
        target = camera.camera_to_world(dataset.joints_3d)
        if view.camera is None:
            target = on_the_floor(target)
        predicted = predict_dataset(lifter, dataset) if lifter else None
        return Sight(skeleton, recording.fps, dataset.joints_2d, target, camera, view.camera is not None, predicted)


def _level_camera() -> Camera:
    """Build a level camera at the origin looking along +y, for data sets without cameras."""
    half = 0.5**0.5
    return Camera(torch.tensor([half, -half, 0.0, 0.0]), torch.zeros(3), torch.zeros(NUM_INTRINSICS), torch.tensor(1.0))


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
        """Load what is chosen. A new test set has other recordings, a new recording other cameras."""
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
        for figure in self._figures.values():
            figure.hide()
        self.player.stop()


def _choice(dropdown: viser.GuiDropdownHandle[str]) -> str:
    """Return the choice, or the first option where another window has just removed it."""
    return dropdown.value if dropdown.value in dropdown.options else dropdown.options[0]


def _error_curve(gui: viser.GuiApi) -> viser.GuiUplotHandle:
    empty = np.zeros(2)
    series = uplot.Series(label="frame"), uplot.Series(label="mm", stroke=RIGHT, width=2)
    scales = {"x": uplot.Scale(time=False)}
    return gui.add_uplot((empty, empty), series, title="MPJPE of every frame, mm", scales=scales, aspect=1.8)
