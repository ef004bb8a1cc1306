"""What a data set hands over: recordings and the views cameras have of them. Plain numpy, on the CPU."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch

from data.plausible import check_points
from kinematics.camera import Camera


@dataclass
class DataSettings:
    """Which poses a run learns from and is judged on."""

    dataset: str = "cmu"
    """Training data: cmu (real motion, built in), h36m, mpi_inf_3dhp, ski, humaneva, 3dpw, aistx, or a
    plugin's."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    data_extra_root: str = "data_extra"
    """Folder of bone templates and the 3DHP test set."""
    keypoints: str = "gt"
    """2D of the training data: gt (projected) or a detector's file, e.g. cpn_ft_h36m_dbb, detectron_ft_h36m, hr, sh;
    detectron_pt_coco of HumanEva; detected of AIST++."""
    views: int = 1
    """Cameras that see each pose at once, for lifters of several views; 1: each camera's pictures by themselves."""
    num_joints: int = 16
    """Joint layout: 16 (the family's), 17 (with neck/nose), or HumanEva's 15."""
    joint_definitions: Literal["h36m", "original"] = "h36m"
    """cmu: which points of the body are called Hip, Spine, Thorax, Head: Human3.6M's, or the data set's own."""
    downsample: int = 1
    """Keep every n-th frame of the training data."""
    subjects_train: tuple[str, ...] = ()
    """Training subjects; empty: the data set's own split."""
    subjects_test: tuple[str, ...] = ()
    """Test subjects; empty: the data set's own split."""
    actions: tuple[str, ...] = ()
    """Actions to keep; empty: all."""
    hold_out_validation: bool = True
    """Keep the validation subjects out of training. False: train on them too (validation is then not held out)."""
    max_gap: float = 0.2
    """Detected 2D: longest gap of a joint that is closed by interpolation, seconds; frames of longer ones are cut."""
    seed: int = 0
    """Seed of whatever a data set draws by chance, apart from its fixed test cameras."""


@dataclass(frozen=True)
class View:
    """One camera's sight of a recording, float32.

    camera: one for all frames, a batch of F where the camera moves, None where it is not known.
    joints_3d: (F, J, 3) metres, camera frame, absolute (root-centred where the source has no depth: camera is None).
    joints_2d: (F, J, 2) screen. confidence: (F, J) float32, 0 to 1, None where the source has none. NaN in the 2D is a
    joint that a detector has not found: only data.keypoints.gaps lets it in.
    present: (F,) bool, None where the camera has a record of every frame. Without one the arrays hold finite fillers
    that mean nothing.
    """

    camera_name: str
    camera: Camera | None
    joints_3d: np.ndarray
    joints_2d: np.ndarray
    confidence: np.ndarray | None = None
    present: np.ndarray | None = None

    def __getitem__(self, frames: slice) -> "View":
        """Some of the frames."""
        confidence, present = (None if of is None else of[frames] for of in (self.confidence, self.present))
        camera = self.camera[frames] if self.camera is not None and self.moves else self.camera
        return View(self.camera_name, camera, self.joints_3d[frames], self.joints_2d[frames], confidence, present)

    @property
    def moves(self) -> bool:
        """Whether there is a camera for every frame."""
        return self.camera is not None and self.camera.translation.ndim > 1

    @property
    def is_present(self) -> np.ndarray:
        """(F,) bool: where the camera has a record."""
        return np.ones(len(self.joints_3d), dtype=bool) if self.present is None else self.present

    @property
    def joints_world(self) -> np.ndarray:
        """(F, J, 3) metres, world frame; of a view that has a camera."""
        assert self.camera is not None
        points = torch.from_numpy(self.joints_3d)
        return self.camera.to(points.dtype).camera_to_world(points).numpy()


@dataclass(frozen=True)
class Recording:
    """One recording. usable: (F,) bool, False marks frames not to train or test on (glitches).

    group: labels of the whole recording, e.g. {"sequence": "TS1", "scene": "GS"}; frame_groups: (F,) labels per frame.
    """

    subject: str
    action: str
    views: tuple[View, ...]
    fps: float
    usable: np.ndarray
    group: dict[str, str] = field(default_factory=dict)
    frame_groups: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.usable)

    def __getitem__(self, frames: slice) -> "Recording":
        """Some of the frames; a step makes the frame rate smaller."""
        return replace(
            self,
            views=tuple(view[frames] for view in self.views),
            fps=self.fps / (frames.step or 1),
            usable=self.usable[frames],
            frame_groups={name: labels[frames] for name, labels in self.frame_groups.items()},
        )

    def thinned(self, every: int) -> "Recording":
        """Every n-th frame."""
        if every < 1:
            raise ValueError(f"downsample is {every}, expected 1 (all frames) or more.")
        return self[::every]

    @cached_property
    def joints_world(self) -> np.ndarray:
        """(F, J, 3) metres, world frame, from the first view that has a camera and a record of the frame."""
        views = [view for view in self.views if view.camera is not None]
        if not views:
            raise ValueError(f"Recording {self.subject}/{self.action} has no camera: its world joints are unknown.")
        joints_world, known = views[0].joints_world, views[0].is_present.copy()
        for view in views[1:]:
            if known.all():
                break
            fresh = view.is_present & ~known
            joints_world[fresh] = view.joints_world[fresh]
            known |= fresh
        return joints_world


@dataclass
class DataSplits:
    """Recordings to train on, to choose with (held out by subject) and to report on.

    more_tests: reported on only where they are asked for by name. notes: what loading tells.
    """

    train: list[Recording]
    validation: list[Recording]
    tests: dict[str, list[Recording]]
    notes: list[str] = field(default_factory=list)
    more_tests: dict[str, list[Recording]] = field(default_factory=dict)

    def shard(self, rank: int, count: int) -> "DataSplits":
        """Keep a process's share of the training recordings: about as many frames as each of `count` others has."""
        if len(self.train) < count:
            raise ValueError(
                f"--shard_data: {len(self.train)} training recordings are too few for {count} processes."
            )
        frames, mine = [0] * count, []
        for recording in sorted(self.train, key=len, reverse=True):  # the longest first, each to who has least
            least = frames.index(min(frames))
            frames[least] += len(recording)
            if least == rank:
                mine.append(recording)
        return replace(self, train=mine)


def check_images(recordings: Iterable[Recording]) -> None:
    """Refuse 2D that no image shows in the frames that are samples, and 2D that is not finite in any frame.

    Files were checked where they were read. This is what became of them: a joint in the lens, say, has no image.
    """
    for recording in recordings:
        for view in recording.views:
            where = f"Recording {recording.subject}/{recording.action}, camera {view.camera_name or 'unknown'}"
            samples = np.flatnonzero(recording.usable & view.is_present)
            if len(samples) == len(recording):
                check_points(view.joints_2d, where)
                continue
            called = [f"frame {frame}" for frame in samples.tolist()].__getitem__
            check_points(view.joints_2d[samples], where, called=called)
            if not np.isfinite(view.joints_2d).all():
                raise ValueError(f"{where} has NaN or infinity in its 2D, which windows of several frames would see.")


def view_from_world(joints_world: np.ndarray, camera: Camera, camera_name: str) -> View:
    """The view a single camera has. joints_world: (F, J, 3) metres."""
    points = torch.from_numpy(np.ascontiguousarray(joints_world, dtype=np.float64))
    exact = camera.to(torch.float64)
    joints_camera = exact.world_to_camera(points)
    joints_screen = exact.project(joints_camera)
    return View(camera_name, camera.to(torch.float32), joints_camera.float().numpy(), joints_screen.float().numpy())
