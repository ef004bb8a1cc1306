"""Poses seen by several synchronised cameras: samples of a PoseDataset put side by side."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from data.batch import PoseBatch
from data.dataset import IndexedPoses, PoseDataset
from data.takes import Take


class MultiViewDataset(IndexedPoses):
    """Single frames or windows with all their views.

    flat: every view's samples; rows: (S, V) int64, which of them are the views of each sample; present: (S, V) bool,
    False where a take has fewer views than others: its first stands in for them, visible nowhere.
    """

    def __init__(self, flat: PoseDataset, rows: Tensor, present: Tensor) -> None:
        self.flat, self.rows, self.present = flat, rows, present

    @classmethod
    def from_takes(
        cls, takes: Sequence[Take], skeleton: str = "h36m_16", frames: int = 1, views: int = 0,
        target: int | None = None, device: torch.device | str = "cpu",
    ) -> "MultiViewDataset":  # fmt: skip
        """Lay out takes whose views are of the same moments. views: the first so many of each take; 0: all there are.

        The other arguments are PoseDataset's.
        """
        _check(takes, views)
        chosen = [replace(take, views=take.views[: views or None]) for take in takes]
        most = max(len(take.views) for take in chosen)
        flat = PoseDataset.from_takes(chosen, skeleton, frames, device=device, target=target, only_present=False)
        rows, present, start = [], [], 0
        for take in chosen:
            count, own = int(take.usable.sum()), len(take.views)
            first = torch.arange(start, start + count)[:, None]
            view = torch.arange(most)[None]
            there = view < own
            rows.append(first + torch.where(there, view, 0) * count)
            present.append(there.expand(count, -1))
            start += count * own
        return cls(flat, torch.cat(rows).to(device), torch.cat(present).to(device))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def views(self) -> int:
        return self.rows.shape[1]

    @property
    def device(self) -> torch.device:
        return self.rows.device

    def batch(self, indices: Tensor) -> PoseBatch:
        """(B, V, T, J, ...)"""
        batch = self.flat.batch(self.rows[indices].flatten()).in_views(self.views)
        return replace(batch, visible=batch.visible & self.present[indices][..., None, None])

    def label(self, name: str) -> list[str]:
        """The words of one label for every sample, those of its first view."""
        words = self.flat.labels[name]
        return [words[i] for i in self.flat.label_ids[name][self.rows[:, 0]].tolist()]


def _check(takes: Sequence[Take], views: int) -> None:
    if views == 1 or views < 0:
        raise ValueError(f"views is {views}, expected two or more, or 0 for all there are.")
    for take in takes:
        if len(take.views) < max(views, 2):
            raise ValueError(
                f"Take {take.subject}/{take.action} has {len(take.views)} view(s), expected {max(views, 2)} or more: "
                "leave it out, or ask for fewer views."
            )
