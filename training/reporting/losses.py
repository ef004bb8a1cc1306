"""Losses of a run: their mean over a phase, and whether they have diverged."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from training.config.settings import Settings
from training.divergence import FAR_M, GROWN, LOOK_EVERY, diverged_advice


class LossMonitor:
    """Watches the losses, whose sums stay on the device. absurd: loss from which on a lifter may have diverged."""

    def __init__(self, settings: Settings, absurd: float, device: torch.device) -> None:
        self._settings, self._absurd = settings, absurd
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)  # of the phase, since the last look
        self._counts = [0, 0]
        self._start: Tensor | None = None  # loss of the first batch
        self.gan: dict[str, float] = {}
        self.trouble: str | None = None

    def add(self, loss: Tensor | None, gan: Mapping[str, float]) -> None:
        """After each batch: the lifter's loss and the GAN's losses, as far as they learn."""
        if loss is not None:
            self._start = loss.double() if self._start is None else self._start
            self._sums += loss
            self._counts = [count + 1 for count in self._counts]
        self.gan.update(gan)
        bad = [name for name, value in gan.items() if not math.isfinite(value)]
        if bad:
            advice = diverged_advice(self._settings, gan=True)
            self.trouble = f"The GAN has diverged: its {bad[0]} is {gan[bad[0]]}. {advice}"
        if self._counts[1] >= LOOK_EVERY:
            self.look()

    def look(self) -> None:
        """Find out whether the lifter has diverged since the last look."""
        if not self._counts[1] or self._start is None:
            return
        mean, start = float(self._sums[1]) / self._counts[1], float(self._start)
        self._sums[1], self._counts[1] = 0.0, 0
        if not mean <= max(self._absurd, GROWN * start):
            self.trouble = (
                f"The run has diverged: the lifter's mean loss is {mean:.3g} after {start:.3g} in its first batch, and "
                f"joints that are {FAR_M:g} m off make {self._absurd:.3g}. {diverged_advice(self._settings)}"
            )

    def mean(self) -> float | None:
        """Mean loss of the phase so far; None if the lifter has not learnt."""
        return float(self._sums[0]) / self._counts[0] if self._counts[0] else None

    def phase_done(self) -> None:
        """Begin a new phase. The GAN's last losses stay, since not every batch has some."""
        self._sums.zero_()
        self._counts = [0, 0]

    def state_dict(self) -> dict[str, Any]:
        start = None if self._start is None else float(self._start)
        return {"sums": self._sums.tolist(), "counts": list(self._counts), "start": start, "gan": dict(self.gan)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._sums.copy_(torch.tensor(state["sums"], dtype=torch.float64))
        self._counts, self.gan, start = list(state["counts"]), dict(state["gan"]), state["start"]
        self._start = None if start is None else self._sums.new_tensor(start)
