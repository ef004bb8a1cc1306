"""A ring buffer of synthetic poses on the device they are used on: the newest `capacity` ones."""

import torch
from torch import Tensor

from data.batch import PoseBatch


class PosePool:
    """Holds PoseBatches of one shape; old poses are overwritten by new ones."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"A pool holds {capacity} poses, expected at least 1.")
        self.capacity = capacity
        self._poses: PoseBatch | None = None
        self._next = 0

    def __len__(self) -> int:
        return 0 if self._poses is None else len(self._poses)

    def add(self, batch: PoseBatch) -> None:
        """Put poses in; more than `capacity` leave only the last ones."""
        batch = batch[-self.capacity :] if len(batch) > self.capacity else batch
        room = self.capacity - len(self)
        fits, rest = batch[:room], batch[room:]
        if len(fits):
            # cat copies: the pool never writes into the caller's tensors
            self._poses = PoseBatch.cat([fits] if self._poses is None else [self._poses, fits])
        if len(rest):
            self._overwrite(rest)

    def draw(self, count: int, generator: torch.Generator) -> PoseBatch:
        """`count` poses at random, with replacement. generator: on any device."""
        if self._poses is None:
            raise ValueError("The pool is empty: add synthetic poses before drawing from it.")
        rows = torch.randint(len(self), (count,), generator=generator, device=generator.device)
        return self._poses[rows.to(self._poses.source.device)]

    def _overwrite(self, batch: PoseBatch) -> None:
        assert self._poses is not None
        rows = (torch.arange(len(batch), device=batch.source.device) + self._next) % self.capacity
        for held, new in _tensor_pairs(self._poses, batch):
            held[rows] = new
        self._next = (self._next + len(batch)) % self.capacity


def _tensor_pairs(held: PoseBatch, new: PoseBatch) -> list[tuple[Tensor, Tensor]]:
    names = ("joints_3d", "joints_2d", "visible", "source")
    pairs = [(getattr(held, name), getattr(new, name)) for name in names]
    if held.camera is not None:
        if new.camera is None:
            raise ValueError("The pool's poses have cameras, but the new ones have none (camera is None).")
        for name in ("orientation_wxyz", "translation", "intrinsics", "aspect"):
            pairs.append((getattr(held.camera, name), getattr(new.camera, name)))
    if (held.confidence is None) != (new.confidence is None):
        raise ValueError("Some of the pool's poses have confidences and others have none: make all with one augmenter.")
    if held.confidence is not None and new.confidence is not None:
        pairs.append((held.confidence, new.confidence))
    return pairs
