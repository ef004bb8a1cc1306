"""Losses of a run: their mean over a phase, and whether they have diverged."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from training.config.settings import Settings
from training.divergence import FAR_M, GROWN, LOOK_EVERY, MOST_SKIPPED, diverged_advice


class LossMonitor:
    """Watches the losses, whose sums stay on the device. absurd: loss from which on a lifter may have diverged.

    A lifter's loss that is NaN or infinite is of a step that was skipped (finite_step), as the GAN's are. trouble: why
    the run has to end; news: what to tell and go on.
    """

    def __init__(self, settings: Settings, absurd: float, device: torch.device) -> None:
        self._settings, self._absurd = settings, absurd
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)  # of the phase, since the last look
        self._skipped = torch.zeros(4, dtype=torch.int64, device=device)  # as sums, then in a row: now, at most
        self._counts = [0, 0]
        self._gan_skipped = [0, 0]  # in the phase, in a row
        self._start: Tensor | None = None  # loss of the first batch
        self._grown = False
        self.gan: dict[str, float] = {}
        self.trouble: str | None = None
        self.news: str | None = None

    def add(self, loss: Tensor | None, gan: Mapping[str, float]) -> None:
        """After each batch: the lifter's loss and the GAN's losses, as far as they learn."""
        if loss is not None:
            self._start = loss.double() if self._start is None else self._start
            skipped = ~loss.isfinite()
            self._sums += loss.masked_fill(skipped, 0.0)
            self._skipped[:2] += skipped
            self._skipped[2] = (self._skipped[2] + 1) * skipped
            self._skipped[3] = torch.maximum(self._skipped[3], self._skipped[2])
            self._counts = [count + 1 for count in self._counts]
        bad = [name for name, value in gan.items() if not math.isfinite(value)]
        self.gan.update((name, value) for name, value in gan.items() if name not in bad)
        if gan:
            phase, row = self._gan_skipped
            self._gan_skipped = [phase + bool(bad), (row + 1) * bool(bad)]
        if self._gan_skipped[1] >= MOST_SKIPPED:
            advice = diverged_advice(self._settings, gan=True)
            self.trouble = (
                f"The GAN has diverged: its {bad[0]} is {gan[bad[0]]}, {MOST_SKIPPED} times in a row. {advice}"
            )
        if self._counts[1] >= LOOK_EVERY:
            self.look()

    def look(self) -> None:
        """Find out whether the lifter has diverged since the last look."""
        if not self._counts[1] or self._start is None:
            return
        _, skipped, _, row = self._skipped.tolist()
        learnt, start = self._counts[1] - skipped, float(self._start)
        mean = float(self._sums[1]) / max(learnt, 1)
        self._sums[1], self._counts[1], self._skipped[1], self._skipped[3] = 0.0, 0, 0, self._skipped[2]
        grown = f"the lifter's mean loss is {mean:.3g} after {start:.3g} in its first batch"
        if row >= MOST_SKIPPED:
            self.trouble = (
                f"The run has diverged: losses or gradients of {row} steps in a row are NaN or infinite. "
                f"{diverged_advice(self._settings)}"
            )
        elif learnt and mean > max(self._absurd, GROWN * start):
            self.trouble = (
                f"The run has diverged: {grown}, and joints that are {FAR_M:g} m off make {self._absurd:.3g}. "
                f"{diverged_advice(self._settings)}"
            )
        elif mean > GROWN * start and not self._grown:
            self._grown = True
            self.news = f"warning: {grown}, over {GROWN:g} times as much. {diverged_advice(self._settings)}"

    def skipped_text(self) -> str:
        """Say how many steps of the phase were skipped; empty if none was."""
        counts = {"the lifter": int(self._skipped[0]), "the GAN": self._gan_skipped[0]}
        parts = [f"{count} of {name}" for name, count in counts.items() if count]
        return f"steps skipped, whose losses or gradients are NaN or infinite: {', '.join(parts)}" if parts else ""

    def mean(self) -> float | None:
        """Mean loss of the phase so far; None if the lifter has not learnt."""
        learnt = self._counts[0] and self._counts[0] - int(self._skipped[0])
        return float(self._sums[0]) / learnt if learnt else None

    def phase_done(self) -> None:
        """Begin a new phase. The GAN's last losses stay, since not every batch has some."""
        self._sums.zero_()
        self._skipped[:2] = 0
        self._counts, self._gan_skipped[0] = [0, 0], 0

    def state_dict(self) -> dict[str, Any]:
        start = None if self._start is None else float(self._start)
        return {
            "sums": self._sums.tolist(), "counts": list(self._counts), "start": start, "gan": dict(self.gan),
            "skipped": self._skipped.tolist(), "gan_skipped": list(self._gan_skipped),
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._sums.copy_(torch.tensor(state["sums"], dtype=torch.float64))
        self._counts, self.gan, start = list(state["counts"]), dict(state["gan"]), state["start"]
        self._start = None if start is None else self._sums.new_tensor(start)
        self._skipped.copy_(torch.tensor(state.get("skipped", [0] * 4)))  # runs from before there were any have none
        self._gan_skipped = list(state.get("gan_skipped", [0, 0]))
