"""PoseDataset: all frames of a data set as tensors on one device; a batch is an index selection.

Windows of T frames lie about their sample, usually centred, and are padded with the clip's edge frames, as VideoPose3D
does.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from data.batch import REAL, PoseBatch, sent
from data.recordings import Recording, View
from kinematics.camera import Camera
from kinematics.skeleton import Skeleton

FRAMES_AT_ONCE = 1 << 16  # that are projected together
RATE_TOLERANCE = 1.01  # files round their frame times: 0.0083333 s is 120 frames a second
LABELS = ("subject", "action", "camera", "sequence", "scene", "activity")


class IndexedPoses(ABC):
    """Samples that are drawn as batches by their numbers, seen by one camera (PoseDataset) or several.

    joints_3d: (N, J, 3) and joints_2d: (N, J, 2) hold every frame of every view once, confidence (N, J) likewise, None
    where no view has any; cameras: those of all views, None where some are not known. sample: (S,) the frame of each
    sample (of its first view), first and last (S,) the ends of its clip. frames: T; target: the sample's place in its
    window. labels: name -> list of words; label_ids: name -> (S,) int64. fps: frames a second; None if these differ,
    which single frames may. serves: where its batches go, None: they stay where it lies. residence: what there is to
    tell of that.
    """

    joints_3d: Tensor
    joints_2d: Tensor
    confidence: Tensor | None
    cameras: Camera | None
    sample: Tensor
    first: Tensor
    last: Tensor
    frames: int
    target: int
    labels: dict[str, list[str]]
    label_ids: dict[str, Tensor]
    fps: float | None
    serves: torch.device | None = None
    residence: str = ""

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def device(self) -> torch.device:
        return self.joints_3d.device

    @property
    def batch_device(self) -> torch.device:
        return self.device if self.serves is None else self.serves

    @abstractmethod
    def to(self, device: torch.device | str) -> "IndexedPoses":
        """The data set on another device."""

    def batch(self, indices: Tensor) -> PoseBatch:
        """The samples `indices` (B,) int64, on the data set's device. The batch is on the device that it serves."""
        batch = self.own_batch(indices)
        return batch if self.serves is None else sent(batch, self.serves)

    @abstractmethod
    def own_batch(self, indices: Tensor) -> PoseBatch:
        """The samples `indices` (B,) int64, indices and batch on the data set's device."""

    @abstractmethod
    def replaced(
        self, *, joints_3d: Tensor | None = None, joints_2d: Tensor | None = None, confidence: Tensor | None = None
    ) -> "IndexedPoses":
        """The same samples with other tensors in place of some of its own, of the same shapes; None: its own."""

    def follows(self) -> Tensor:
        """(S,) bool: whether a sample is the frame after the sample before it, in the same clip."""
        follows = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        follows[1:] = (self.sample.diff() == 1) & (self.first.diff() == 0)
        return follows

    def clip_lengths(self) -> Tensor:
        """(clips,) int64 frames of every clip that has a sample, each view of a clip one where views are samples."""
        ends = torch.stack([self.first, self.last]).unique(dim=1)
        return ends[1] - ends[0] + 1

    def label(self, name: str) -> list[str]:
        """The words of one label for every sample."""
        words = self.labels[name]
        return [words[i] for i in self.label_ids[name].tolist()]

    def all(self) -> PoseBatch:
        """Every sample, in order."""
        return self.batch(torch.arange(len(self), device=self.device))

    def random_batch(self, batch_size: int, generator: torch.Generator) -> PoseBatch:
        """Samples drawn with replacement. generator: on the CPU."""
        return self.batch(torch.randint(len(self), (batch_size,), generator=generator).to(self.device))


class PoseDataset(IndexedPoses):
    """Single frames or windows of real sequences, ready to be indexed; each sample is of one camera.

    screen_layout: layout of joints_2d and confidence where it is another than that of joints_3d (see seen_as).
    camera_of_sample: (S,) int64, rows of cameras. present: (N,) bool, whether a frame's camera has a record of it; None
    where all have. Joints of a frame without one are not visible.
    """

    screen_layout: str | None = None

    def __init__(
        self, joints_3d: Tensor, joints_2d: Tensor, cameras: Camera | None, camera_of_sample: Tensor,
        clip_ends: tuple[Tensor, Tensor, Tensor], window: tuple[int, int],
        labels: dict[str, list[str]], label_ids: dict[str, Tensor],
        confidence: Tensor | None = None, fps: float | None = None, present: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.joints_3d, self.joints_2d = joints_3d, joints_2d
        self.cameras, self.camera_of_sample = cameras, camera_of_sample
        self.sample, self.first, self.last = clip_ends
        self.frames, self.target = window
        self.labels, self.label_ids = labels, label_ids
        self.confidence, self.fps, self.present = confidence, fps, present
        self._offsets = torch.arange(self.frames, device=joints_3d.device) - self.target

    @classmethod
    def from_recordings(
        cls, recordings: Sequence[Recording], skeleton: str = "h36m_16", frames: int = 1, stride: int = 1,
        device: torch.device | str = "cpu", only_usable: bool = True, target: int | None = None,
        only_present: bool = True,
    ) -> "PoseDataset":  # fmt: skip
        """Lay out recordings as one data set.

        skeleton: layout of the samples, the recordings' own joints are converted by name; frames: window length T, odd
        unless target is given; stride: keep every n-th frame as a sample (windows still see all frames); only_usable:
        leave out glitch frames; target: the sample's place in its window, the `target_frame` of the lifter to be fed;
        by default the centre; only_present: leave out frames of a view of which its camera has no record.
        """
        if target is None and (frames < 1 or frames % 2 == 0):
            raise ValueError(f"A window has {frames} frames, expected an odd number: the sample is its centre.")
        target = frames // 2 if target is None else target
        if not 0 <= target < frames:
            raise ValueError(f"The sample is frame {target} of a window of {frames}, expected 0 to {frames - 1}.")
        fps = common_rate(recordings, frames)
        layout = _Layout(skeleton, stride, only_usable, only_present)
        for recording in recordings:
            for view in recording.views:
                layout.add(recording, view)
        if frames > 1 and any(view.moves for recording in recordings for view in recording.views):
            raise ValueError(f"A camera that moves has no one view of {frames} frames: use single frames (--frames 1).")
        return layout.build(cls, (frames, target), fps, device)

    def to(self, device: torch.device | str) -> "PoseDataset":
        """The data set on another device."""
        moved = PoseDataset(
            self.joints_3d.to(device), self.joints_2d.to(device),
            None if self.cameras is None else self.cameras.to(device), self.camera_of_sample.to(device),
            (self.sample.to(device), self.first.to(device), self.last.to(device)), (self.frames, self.target),
            self.labels, {name: ids.to(device) for name, ids in self.label_ids.items()},
            None if self.confidence is None else self.confidence.to(device), self.fps,
            None if self.present is None else self.present.to(device),
        )  # fmt: skip
        moved.screen_layout = self.screen_layout
        return moved

    def replaced(
        self, *, joints_3d: Tensor | None = None, joints_2d: Tensor | None = None, confidence: Tensor | None = None
    ) -> "PoseDataset":
        given = {"joints_3d": joints_3d, "joints_2d": joints_2d, "confidence": confidence}
        wanted = {"joints_3d": self.joints_3d, "joints_2d": self.joints_2d, "confidence": self.joints_2d[..., 0]}
        changed = copy.copy(self)
        for name, values in given.items():
            if values is not None and values.shape != wanted[name].shape:
                raise ValueError(f"{name} has shape {tuple(values.shape)}, expected {tuple(wanted[name].shape)}.")
            if values is not None:
                setattr(changed, name, values)
        return changed

    def seen_as(self, layout: Skeleton) -> "PoseDataset":
        """The same data with joints_2d in another layout: its joints on the body, projected anew, as PoseBatch does."""
        if layout == Skeleton(self.screen_layout or Skeleton.from_num_joints(self.joints_3d.shape[-2]).name):
            return self
        camera = torch.zeros(len(self.joints_3d), dtype=torch.int64, device=self.device)
        (first, last), clip = torch.stack([self.first, self.last]).unique(dim=1, return_inverse=True)
        of_clip = torch.zeros_like(first).scatter(0, clip, self.camera_of_sample)
        for start, end, number in zip(first.tolist(), last.tolist(), of_clip.tolist(), strict=True):
            camera[start : end + 1] = number
        camera[self.sample] = self.camera_of_sample  # of cameras that move
        cameras = None if self.cameras is None else self.cameras[camera]
        joints = (self.joints_3d[:, None], self.joints_2d[:, None], cameras)
        frames = PoseBatch.of(*joints, REAL, None if self.confidence is None else self.confidence[:, None])
        changed = copy.copy(self)
        changed.screen_layout = layout.name
        parts = (frames[start : start + FRAMES_AT_ONCE] for start in range(0, len(camera), FRAMES_AT_ONCE))
        changed.joints_2d = torch.cat([part.seen_as(layout).joints_2d[:, 0] for part in parts])
        return changed

    def own_batch(self, indices: Tensor) -> PoseBatch:
        window = self.sample[indices, None] + self._offsets  # (B, T)
        window = torch.minimum(torch.maximum(window, self.first[indices, None]), self.last[indices, None])
        cameras = None if self.cameras is None else self.cameras[self.camera_of_sample[indices]]
        confidence = None if self.confidence is None else self.confidence[window]
        batch = PoseBatch.of(
            self.joints_3d[window], self.joints_2d[window], cameras, REAL, confidence, self.screen_layout
        )
        if self.present is None:
            return batch
        return replace(batch, visible=batch.visible & self.present[window][..., None])


def common_rate(recordings: Sequence[Recording], frames: int) -> float | None:
    """The recordings' frames a second, None where they differ: that is refused for windows of more than one frame."""
    rates = sorted({recording.fps for recording in recordings})
    if not rates or rates[-1] <= RATE_TOLERANCE * rates[0]:
        return rates[0] if rates else None
    if frames > 1:
        raise ValueError(
            f"The recordings have {rates[0]:g} and {rates[-1]:g} frames a second, expected one rate: a window of "
            f"{frames} frames would last longer in some. Use those of one rate, or a single-frame lifter (--frames 1)."
        )
    return None


class _Layout:
    """Collects views and turns them into the tensors of a PoseDataset."""

    def __init__(self, skeleton: str, stride: int, only_usable: bool, only_present: bool) -> None:
        self.skeleton, self.stride = Skeleton(skeleton), stride
        self.only_usable, self.only_present = only_usable, only_present
        self.frames: dict[str, list[np.ndarray]] = {name: [] for name in ("joints_3d", "joints_2d", "present")}
        self.confidence: list[np.ndarray | None] = []
        self.cameras: list[Camera | None] = []
        self.samples: list[np.ndarray] = []
        self.camera_of: list[np.ndarray] = []
        self.ends: list[tuple[int, int]] = []
        self.words: dict[str, dict[str, int]] = {name: {} for name in LABELS}
        self.ids: dict[str, list[np.ndarray]] = {name: [] for name in LABELS}
        self.total = 0

    def add(self, recording: Recording, view: View) -> None:
        frames = len(recording)
        source = Skeleton.from_num_joints(view.joints_3d.shape[1])
        for name, joints in (("joints_3d", view.joints_3d), ("joints_2d", view.joints_2d)):
            self.frames[name].append(source.convert(joints, self.skeleton))
        self.frames["present"].append(view.is_present)
        scores = view.confidence
        self.confidence.append(None if scores is None else source.convert(scores, self.skeleton, axis=-1))
        keep = np.arange(0, frames, self.stride)
        if self.only_usable:
            keep = keep[recording.usable[keep]]
        if self.only_present:
            keep = keep[view.is_present[keep]]
        known_cameras = sum(len(camera) for camera in self.cameras if camera is not None)
        self.camera_of.append(known_cameras + (keep if view.moves else 0 * keep))
        self.samples.append(self.total + keep)
        self.ends.append((self.total, self.total + frames - 1))
        self.cameras.append(view.camera if view.camera is None or view.moves else Camera.stack([view.camera]))
        self.total += frames
        words = {"subject": recording.subject, "action": recording.action, "camera": view.camera_name} | recording.group
        for name in LABELS:
            per_frame = recording.frame_groups.get(name)
            listed = [words.get(name, "")] * len(keep) if per_frame is None else map(str, per_frame[keep])
            known = self.words[name]
            self.ids[name].append(np.array([known.setdefault(word, len(known)) for word in listed], dtype=np.int64))

    def build(
        self, cls: type[PoseDataset], window: tuple[int, int], fps: float | None, device: torch.device | str
    ) -> PoseDataset:
        if not sum(map(len, self.samples)):
            raise ValueError("The data set has no usable pose: check the subjects, actions and frames asked for.")
        counts = torch.tensor([len(sample) for sample in self.samples])
        first, last = torch.tensor(self.ends).T.contiguous()[
            :, torch.repeat_interleave(torch.arange(len(counts)), counts)
        ]
        known = [camera for camera in self.cameras if camera is not None]
        joints_3d, joints_2d, present = (torch.from_numpy(np.concatenate(parts)) for parts in self.frames.values())
        dataset = cls(
            joints_3d.float(), joints_2d.float(),
            Camera.cat(known).to(torch.float32) if len(known) == len(self.cameras) else None,
            torch.from_numpy(np.concatenate(self.camera_of)),
            (torch.from_numpy(np.concatenate(self.samples)), first, last), window,
            {name: list(words) for name, words in self.words.items()},
            {name: torch.from_numpy(np.concatenate(ids)) for name, ids in self.ids.items()},
            self._confidence(), fps, None if present.all() else present,
        )  # fmt: skip
        return dataset.to(device)

    def _confidence(self) -> Tensor | None:
        """Of every frame; views without any are no detections and count as 1 beside others."""
        if all(scores is None for scores in self.confidence):
            return None
        pairs = zip(self.confidence, self.frames["joints_2d"], strict=True)
        filled = [np.ones(seen.shape[:2], np.float32) if scores is None else scores for scores, seen in pairs]
        return torch.from_numpy(np.concatenate(filled))
