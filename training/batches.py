"""Real poses in random order, batch after batch, from a place that can be saved."""

from typing import Any

import torch

from data import PoseBatch
from data.devices import go_on
from data.multiview.dataset import Poses


class RealBatches:
    """Endless passes over a data set, each in a new random order. Batches run on over the end of a pass: no pose is
    left out and every batch is full.
    """

    def __init__(self, dataset: Poses, seed: int) -> None:
        self.dataset = dataset
        self.generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self.generator.get_state()
        self._order = torch.randperm(len(self.dataset), generator=self.generator).to(self.dataset.device)
        self._place = 0

    def draw(self, count: int) -> PoseBatch:
        """The next `count` poses."""
        parts = [self._order[:0]]
        while count:
            if self._place == len(self._order):
                self._shuffle()
            indices = self._order[self._place : self._place + count]
            parts.append(indices)
            self._place += len(indices)
            count -= len(indices)
        return self.dataset.batch(torch.cat(parts))

    def state_dict(self) -> dict[str, Any]:
        """The order is drawn again from the state of the generator before it."""
        return {"before": self._before, "place": self._place}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        go_on(self.generator, state["before"], "The saved order of poses")
        self._shuffle()
        if not 0 <= state["place"] <= len(self._order):
            raise ValueError(
                f"The run stood at pose {state['place']} of a pass, but there are {len(self._order)}: --resume needs "
                "the data it was started with."
            )
        self._place = state["place"]
