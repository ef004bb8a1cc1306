"""Recordings, poses lifted from them, and how far these are off."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from data import STANDALONE_TEST_SETS, DataSettings, PoseDataset, Recording, load_dataset, load_test_set
from evaluation import EvaluationResult
from evaluation.evaluate import predict_dataset
from kinematics import Camera, Skeleton
from kinematics.camera import NUM_INTRINSICS
from posenets import Lifter
from viewer.body import on_the_floor

BESIDE_M = 1.2  # how far to the right of the target, as the camera sees it, predicted poses stand when beside it


@dataclass
class Sight:
    """One camera's view of one recording: the target, and what the lifter predicts.

    screen: (F, J, 2); target: (F, J, 3) metres, world. has_camera: False where the data set does not tell it: `camera`
    is then level, who knows where; one for every frame where it moves. predicted: None
    without a lifter.
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
        """The predicted pose with its root at the target's, or BESIDE_M to the right of it."""
        assert self.predicted is not None
        joints = self.predicted.prediction[frame] + torch.tensor([BESIDE_M * beside, 0.0, 0.0])
        root = self.target[frame, self.skeleton.root]
        camera = self.camera_of(frame)
        return camera.camera_to_world(joints) - camera.translation + root

    def camera_of(self, frame: int) -> Camera:
        """The camera of one frame."""
        return self.camera[frame] if self.camera.translation.ndim > 1 else self.camera

    @cached_property
    def errors(self) -> Float[Tensor, "frames joints"]:
        """Millimetres."""
        assert self.predicted is not None
        return 1000 * self.predicted.errors.plain

    def sentence(self, frame: int) -> str:
        """The errors of one frame, and the mean of the recording, for the screen."""
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
    """The test recordings of a data set. lifter: what reads them, if there is one."""

    def __init__(self, dataset: str, settings: DataSettings, lifter: Lifter | None) -> None:
        self._lifter = lifter
        if dataset in STANDALONE_TEST_SETS:
            self.tests = {dataset: load_test_set(dataset, settings, lifter.frames if lifter else 1)}
        else:
            self.tests = load_dataset(dataset, settings).tests

    @property
    def lifts(self) -> bool:
        """Whether there is a lifter."""
        return self._lifter is not None

    def names(self, test_set: str) -> list[str]:
        """A name for every recording, each only once."""
        return [
            f"{i}. {recording.subject} {recording.action}".strip()
            for i, recording in enumerate(self.tests[test_set], start=1)
        ]

    def recording(self, test_set: str, name: str) -> Recording:
        """The recording that `names` calls so."""
        return self.tests[test_set][self.names(test_set).index(name)]

    def sight(self, recording: Recording, camera_name: str) -> Sight:
        """One camera's view of a recording, lifted. All its frames, also those that tests leave out as glitches."""
        view = next(view for view in recording.views if view.camera_name == camera_name)
        alone = [replace(recording, views=(view,))]
        if self._lifter is None:
            skeleton = Skeleton.from_num_joints(view.joints_3d.shape[1])
            dataset = PoseDataset.from_recordings(alone, skeleton.name, only_usable=False, only_present=False)
        else:
            skeleton, frames, target = self._lifter.skeleton, self._lifter.frames, self._lifter.target_frame
            dataset = PoseDataset.from_recordings(
                alone, skeleton.name, frames, only_usable=False, target=target, only_present=False
            )
        camera = view.camera or _level_camera()
        target = camera.camera_to_world(dataset.joints_3d)
        if view.camera is None:
            target = on_the_floor(target)
        predicted = None if self._lifter is None else predict_dataset(self._lifter, dataset)
        return Sight(skeleton, recording.fps, dataset.joints_2d, target, camera, view.camera is not None, predicted)


def _level_camera() -> Camera:
    """At the origin, level, looking along +y: turns camera axes upright where a data set does not tell its cameras."""
    half = 0.5**0.5
    return Camera(torch.tensor([half, -half, 0.0, 0.0]), torch.zeros(3), torch.zeros(NUM_INTRINSICS), torch.tensor(1.0))
