"""Runs of a --compare: which recipes have been trained, and which are left, as each run's state remembers it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from posenets.checkpoints.files import LAST, read_checkpoint, write_checkpoint
from training.checkpoint import RUN, SavedRun
from training.config import Settings, from_plain, to_plain
from training.reporting.log import Result


class Comparison:
    """Runs on the same data, one after the other; usually one. left: settings of those not begun.

    results: recipe -> lines of results.jsonl, of those that ended.
    """

    def __init__(self, left: list[Settings], results: dict[str, list[Result]] | None = None) -> None:
        self.left = [replace(settings, compare=()) for settings in left]
        self.results = results or {}
        self._several = len(left) + len(self.results) > 1
        self._folder: Path | None = None

    def __iter__(self) -> Iterator[Settings]:
        while self.left:
            yield self.left.pop(0)

    @classmethod
    def resumed(cls, settings: Settings, saved: SavedRun) -> "Comparison":
        """Go on with a run and those after it. settings: of the run; where and how it computes, the others do too."""
        state, output = saved.state.get("comparison", {"left": [], "results": {}}), settings.output
        others = []
        for plain in state["left"]:
            other = from_plain(plain)
            kept = dict(checkpoint_minutes=output.checkpoint_minutes, keep=output.keep)
            written = replace(other.output, checkpoint=str(saved.path.absolute().parents[3]), **kept)
            same = dict(data=settings.data, device=settings.device, threads=settings.threads, plugins=settings.plugins)
            others.append(replace(other, output=written, resume="", **same))
        return cls([settings, *others], state["results"])

    def begun(self, folder: Path) -> None:
        """Note that a run has been saved in its folder: resuming the one before it no longer leads to it."""
        if self._folder is not None:
            content = read_checkpoint(self._folder / LAST)
            content[RUN]["comparison"]["left"] = []
            write_checkpoint(self._folder / LAST, content)
        self._folder = folder

    def to_plain(self) -> dict[str, Any]:
        """Return what a run's state keeps of it."""
        return {"left": [to_plain(settings) for settings in self.left], "results": self.results}

    def suffix(self, settings: Settings) -> str:
        """Return what tells the run apart from others of the same note."""
        return f"_{settings.recipe}" if self._several else ""

    def advice(self) -> str:
        """End the sentence on how to go on."""
        names = ", ".join(settings.recipe for settings in self.left)
        return f" (that trains {names}, not begun yet, too)" if names else ""
