"""Poses seen by several synchronised cameras: samples of a PoseDataset put side by side."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from data.batch import PoseBatch
from data.dataset import IndexedPoses, PoseDataset
from data.multiview.checks import check_lengths, check_names
from data.recordings import Recording


class MultiViewDataset(IndexedPoses):
    """Single frames or windows with all their views.

    flat: every view's samples; rows: (S, V) int64, which of them are the views of each sample; present: (S, V) bool,
    False where a recording has fewer views than others: its first stands in, visible nowhere. What is said of a
    sample once (labels, clips) is its first view's.
    """

    def __init__(self, flat: PoseDataset, rows: Tensor, present: Tensor) -> None:
        self.flat, self.rows, self.present = flat, rows, present
        self.joints_3d, self.joints_2d, self.confidence = flat.joints_3d, flat.joints_2d, flat.confidence
        self.cameras, self.frames, self.target, self.fps = flat.cameras, flat.frames, flat.target, flat.fps
        leading = rows[:, 0]
        self.sample, self.first, self.last = flat.sample[leading], flat.first[leading], flat.last[leading]
        self.labels, self.label_ids = flat.labels, {name: ids[leading] for name, ids in flat.label_ids.items()}

    @classmethod
    def from_recordings(
        cls, recordings: Sequence[Recording], skeleton: str = "h36m_16", frames: int = 1, views: int = 0,
        target: int | None = None, device: torch.device | str = "cpu",
    ) -> "MultiViewDataset":  # fmt: skip
        """Lay out recordings whose views are of the same moments. views: so many of each recording; 0: all.

        The other arguments are PoseDataset's. Frames that fewer than two of the views have a record of are no samples.
        """
        _check(recordings, views)
        chosen = [replace(recording, views=recording.views[: views or None]) for recording in recordings]
        most = max(len(recording.views) for recording in chosen)
        flat = PoseDataset.from_recordings(chosen, skeleton, frames, target=target, only_present=False)
        rows, present, start = [], [], 0
        for recording in chosen:
            count, num_views = int(recording.usable.sum()), len(recording.views)
            first = torch.arange(start, start + count)[:, None]
            view = torch.arange(most)[None]
            exists = view < num_views
            rows.append(first + torch.where(exists, view, 0) * count)
            present.append(exists.expand(count, -1))
            start += count * num_views
        dataset = cls(flat, torch.cat(rows), torch.cat(present))
        return dataset._seen_by_two().to(device)

    def _seen_by_two(self) -> "MultiViewDataset":
        """The samples that can be triangulated."""
        if self.flat.present is None:
            return self
        kept = (self.present & self.flat.present[self.flat.sample[self.rows]]).sum(dim=1) > 1
        if not kept.any():
            raise ValueError(
                f"No frame is seen by two of the first {self.views} views, without which there is nothing to learn "
                "together: ask for more views."
            )
        return MultiViewDataset(self.flat, self.rows[kept], self.present[kept])

    @property
    def views(self) -> int:
        """V"""
        return self.rows.shape[1]

    def to(self, device: torch.device | str) -> "MultiViewDataset":
        return MultiViewDataset(self.flat.to(device), self.rows.to(device), self.present.to(device))

    def replaced(
        self, *, joints_3d: Tensor | None = None, joints_2d: Tensor | None = None, confidence: Tensor | None = None
    ) -> "MultiViewDataset":
        flat = self.flat.replaced(joints_3d=joints_3d, joints_2d=joints_2d, confidence=confidence)
        changed = MultiViewDataset(flat, self.rows, self.present)
        changed.serves, changed.residence = self.serves, self.residence
        return changed

    def own_batch(self, indices: Tensor) -> PoseBatch:
        """(B, V, T, J, ...)"""
        batch = self.flat.own_batch(self.rows[indices].flatten()).in_views(self.views)
        return replace(batch, visible=batch.visible & self.present[indices][..., None, None], number=indices)


Poses = PoseDataset | MultiViewDataset


def _check(recordings: Sequence[Recording], views: int) -> None:
    if views == 1 or views < 0:
        raise ValueError(f"views is {views}, expected two or more, or 0 for all there are.")
    for recording in recordings:
        if len(recording.views) < max(views, 2):
            raise ValueError(
                f"Recording {recording.subject}/{recording.action} has {len(recording.views)} view(s), expected "
                f"{max(views, 2)} or more: leave it out, or ask for fewer views."
            )
        name = f"Recording {recording.subject}/{recording.action}"
        check_lengths(recording.views, name)
        check_names(recording.views, name)
