"""Recordings, poses lifted from them, and how far these are off."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from data import DATA_SOURCES, DataSettings, PoseDataset, Recording, load_dataset, load_test_set
from evaluation import Predictions
from evaluation.evaluate import predict
from kinematics import Camera, Skeleton
from kinematics.camera import NUM_INTRINSICS
from posenets import Lifter
from viewer.body import on_the_floor

BESIDE_M = 1.2  # how far to the right of the truth, as the camera sees it, lifted poses stand when beside it


@dataclass
class Sight:
    """One camera's view of one take: what was there, what the lifter made of it.

    screen: (F, J, 2); truth: (F, J, 3) metres, world. has_camera: False where the data set does not tell it: `camera`
    is then level, who knows where; one for every frame where it moves. lifted: predictions of all frames, None without
    a lifter.
    """

    skeleton: Skeleton
    fps: float
    screen: Tensor
    truth: Tensor
    camera: Camera
    has_camera: bool
    lifted: Predictions | None

    def __len__(self) -> int:
        return len(self.truth)

    def lifted_world(self, frame: int, beside: bool) -> Float[Tensor, "joints 3"]:
        """The lifted pose with its root at the true one, or BESIDE_M to the right of it."""
        assert self.lifted is not None
        joints = self.lifted.prediction[frame] + torch.tensor([BESIDE_M * beside, 0.0, 0.0])
        root = self.truth[frame, self.skeleton.root]
        camera = self.camera_of(frame)
        return camera.camera_to_world(joints) - camera.translation + root

    def camera_of(self, frame: int) -> Camera:
        """The camera of one frame."""
        return self.camera[frame] if self.camera.translation.ndim > 1 else self.camera

    @cached_property
    def errors(self) -> Float[Tensor, "frames joints"]:
        """Millimetres."""
        assert self.lifted is not None
        return 1000 * self.lifted.errors.plain

    def sentence(self, frame: int) -> str:
        """The errors of one frame, and the mean of the take, for the screen."""
        if self.lifted is None:
            return "No lifter: start with `--checkpoint FILE` to see lifted poses."
        errors = self.errors[frame]
        worst = int(errors.argmax())
        aligned = 1000 * self.lifted.errors.aligned[frame].mean()
        return (
            f"**MPJPE {errors.mean():.1f} mm** in this frame, {self.errors.mean():.1f} mm over the take.  \n"
            f"P-MPJPE {aligned:.1f} mm in this frame.  \n"
            f"Farthest off: {self.skeleton.joints[worst]}, {errors[worst]:.0f} mm."
        )


class Recordings:
    """The test takes of a data set. lifter: what reads them, if there is one."""

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
        """A name for every take, each only once."""
        return [
            f"{i}. {recording.subject} {recording.action}".strip()
            for i, recording in enumerate(self.tests[test_set], start=1)
        ]

    def recording(self, test_set: str, name: str) -> Recording:
        """The take that `names` calls so."""
        return self.tests[test_set][self.names(test_set).index(name)]

    def sight(self, recording: Recording, camera_name: str) -> Sight:
        """One camera's view of a take, lifted. All its frames, also those that tests leave out as glitches."""
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
        truth = camera.camera_to_world(dataset.joints_3d)
        if view.camera is None:
            truth = on_the_floor(truth)
        lifted = None if self._lifter is None else predict(self._lifter, dataset)
        return Sight(skeleton, recording.fps, dataset.joints_2d, truth, camera, view.camera is not None, lifted)


def _level_camera() -> Camera:
    """At the origin, level, looking along +y: turns camera axes upright where a data set does not tell its cameras."""
    half = 0.5**0.5
    return Camera(torch.tensor([half, -half, 0.0, 0.0]), torch.zeros(3), torch.zeros(NUM_INTRINSICS), torch.tensor(1.0))
