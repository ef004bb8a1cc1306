"""Pose sets to be compared: recorded ones by name, or the files of an export."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from data import DATA_SOURCES, DataSettings, all_test_sets, load_dataset, load_test_set
from data.batch import PoseBatch
from data.dataset import PoseDataset
from data.plausible import OUTDOORS_M, check_bodies, check_cameras, check_points, check_rate
from data.recordings import Recording
from kinematics import PoseFKError, bone_lengths
from kinematics.stature import statures

LEAST_POSES = 100  # 48 numbers a pose: a covariance of fewer poses says nothing
MOST_CLIPS = 2000
_STATURES_M = (0.5, 2.5)
_called = "pose {} of those drawn".format


@dataclass
class PoseSet:
    """Single poses, and clips where the set has them; float32, on the CPU.

    joints: (N, 16, 3) metres; world frame, z up, if upright, else camera axes. recording: (N,) int64 from 0, poses of
    one are neighbours in time. total: poses of the set, of which `joints` are a random sample. views: (N, T = 1) what
    cameras see, None without 2D; its camera is None where unknown. clips: (M, T, 16, 3) world, `fps` frames a second.
    about: what an export says of itself.
    """

    name: str
    joints: Tensor
    upright: bool
    recording: Tensor
    total: int
    views: PoseBatch | None = None
    clips: Tensor | None = None
    fps: float | None = None
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.joints)

    def check(self) -> "PoseSet":
        """Refuse a set that cannot be compared, in one sentence."""
        if len(self) < LEAST_POSES:
            raise PoseFKError(f"{self.name} has {len(self)} poses, expected {LEAST_POSES} or more.")
        broken = int((~torch.isfinite(self.joints)).flatten(1).any(dim=1).sum())
        if broken:
            raise PoseFKError(f"{self.name} has NaN or infinite joints in {broken} of {len(self)} poses.")
        if self.views is not None:
            for what, values in (("2D joints", self.views.joints_2d), ("cameras", self.views.joints_3d)):
                if not torch.isfinite(values).all():
                    raise PoseFKError(f"{self.name} has NaN or infinite {what}.")
        if self.clips is not None and not torch.isfinite(self.clips).all():
            raise PoseFKError(f"{self.name} has NaN or infinite joints in its clips.")
        height = statures(bone_lengths(self.joints))
        if not _STATURES_M[0] < float(height.median()) < _STATURES_M[1] or float(height.min()) <= 0:
            raise PoseFKError(
                f"{self.name}: its bones are of people {float(height.median()):.3g} m tall (the smallest "
                f"{float(height.min()):.3g}), expected {_STATURES_M[0]} to {_STATURES_M[1]} m: are these metres, and "
                "the joints in the order of their layout?"
            )
        self._check_bounds()
        return self

    def _check_bounds(self) -> None:
        """Refuse implausible bodies, image points and cameras (data.plausible)."""
        origin = "the world's origin" if self.upright else "the hip"
        check_bodies(self.joints.numpy(), self.name, farthest=OUTDOORS_M, origin=origin, called=_called)
        if self.clips is not None:
            clips = self.clips.flatten(0, 1).numpy()
            check_bodies(clips, f"{self.name}, its clips", farthest=OUTDOORS_M, origin=origin, called=_called)
        if self.views is not None:
            check_points(self.views.joints_2d[:, 0].numpy(), self.name, called=_called)
            if self.views.camera is not None:
                check_cameras(self.views.camera, self.name, OUTDOORS_M)
        if self.fps is not None:
            check_rate(self.fps, self.name)

    def clip_frames(self, fps: float | int) -> int:
        """Count the frames of equally long clips at another rate; 0 where this set has no clips."""
        if self.clips is None or not self.fps:
            return 0
        return round((self.clips.shape[1] - 1) * fps / self.fps) + 1

    def part(self, indices: Tensor) -> "PoseSet":
        views = None if self.views is None else self.views[indices]
        return PoseSet(
            self.name, self.joints[indices], self.upright, _renumbered(self.recording[indices]), self.total, views
        )


def halves(poses: PoseSet, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Split into indices of two halves that share no recording; of poses where one recording outweighs the rest."""
    recording = poses.recording
    count = int(recording.max()) + 1
    sizes = torch.bincount(recording)
    if 2 * int(sizes.max()) > len(poses):
        first, second = torch.randperm(len(poses), generator=generator).chunk(2)
        return first, second
    order = torch.randperm(count, generator=generator)
    order = order[sizes[order].argsort(descending=True, stable=True)]  # large ones first, small ones even them out
    filled, half = [0, 0], torch.zeros(count, dtype=torch.int64)
    for one in order.tolist():
        half[one] = int(filled[1] < filled[0])
        filled[int(half[one])] += int(sizes[one])
    return (half[recording] == 0).nonzero()[:, 0], (half[recording] == 1).nonzero()[:, 0]


def set_names() -> list[str]:
    """Names of the recorded sets: data sets (their training part) and test sets."""
    return list(dict.fromkeys([*DATA_SOURCES, *all_test_sets()]))


def load_recordings(name: str, settings: DataSettings) -> list[Recording]:
    """Load a data set's training recordings, or a test set by its name."""
    if name in DATA_SOURCES:
        return load_dataset(name, settings).train
    return load_test_set(name, settings)


def of_recordings(
    name: str, recordings: Sequence[Recording], wanted: int, generator: torch.Generator,
    clips: Callable[[float], int] | None = None,
) -> PoseSet:  # fmt: skip
    """Draw up to `wanted` moments, each seen by one camera. clips: frames of a clip at so many a second, 0 for none."""
    dataset = PoseDataset.from_recordings(recordings)
    moment, recording = _moments(recordings)
    indices = _one_view_each(moment, torch.arange(len(dataset)), generator)
    batch = dataset.batch(indices[:wanted])
    known = batch.camera is not None
    joints = (batch.joints_world() if known else batch.root_relative())[:, 0]
    pose_set = PoseSet(
        name, joints, known, _renumbered(recording[indices[:wanted]]), len(indices), batch, fps=dataset.fps
    )
    frames = clips(dataset.fps) if clips is not None and dataset.fps and known else 0
    if frames:
        windows = PoseDataset.from_recordings(recordings, frames=frames, target=frames // 2)
        complete = _one_view_each(moment, whole_windows(windows), generator)[:MOST_CLIPS]
        pose_set.clips = windows.batch(complete).joints_world() if len(complete) else None
    return pose_set


def whole_windows(dataset: PoseDataset) -> Tensor:
    """Find samples whose windows need no padding and have no glitch."""
    before, after = dataset.target, dataset.frames - 1 - dataset.target
    indices = torch.arange(before, len(dataset) - after)
    first, last = indices - before, indices + after
    complete = dataset.sample[last] - dataset.sample[first] == dataset.frames - 1
    return indices[complete & (dataset.first[last] == dataset.first[first])]


def _moments(recordings: Sequence[Recording]) -> tuple[Tensor, Tensor]:
    """Number the moment of every sample (its views share it) and its recording."""
    moments, sequences, known, count = [], [], {}, 0
    for i, recording in enumerate(recordings):
        sequence = known.setdefault(recording.group.get("sequence", i), len(known))
        for view in recording.views:
            frames = count + torch.from_numpy(recording.usable & view.is_present).nonzero()[:, 0]
            moments.append(frames)
            sequences.append(torch.full((len(frames),), sequence))
        count += len(recording)
    return torch.cat(moments), torch.cat(sequences)


def _one_view_each(moment: Tensor, indices: Tensor, generator: torch.Generator) -> Tensor:
    """Keep one random index of each moment."""
    indices = indices[torch.randperm(len(indices), generator=generator)]
    order = moment[indices].argsort(stable=True)
    ordered = moment[indices][order]
    is_first = torch.ones(len(ordered), dtype=torch.bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return indices[order[is_first].sort().values]


def _renumbered(recording: Tensor) -> Tensor:
    return recording.unique(return_inverse=True)[1]
