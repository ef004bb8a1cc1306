"""What a run tells: a progress bar or lines, results.jsonl, TensorBoard, and tables at the end."""

import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from data.files.writing import append_line, atomic_write, full_disk_told, to_disk
from evaluation.drawing.charts import save_figure
from evaluation.metrics import METRICS
from evaluation.tables import columns

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

RESULTS = "results.jsonl"
EVENTS = "events.out.tfevents.*"
Result = dict[str, Any]
VALIDATION = "validation"
ORACLE = "best epoch on the test set (oracle)"


class RunLog:
    """Writes a run's files. step, events: of a run that goes on, what was written behind them is dropped."""

    def __init__(
        self, folder: Path, results: Sequence[Result] = (), step: int | None = None,
        events: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.results = list(results)
        # of readers that look on: points at the step itself are in the state
        self._purge_step = None if step is None else step + 1
        self._writer: SummaryWriter | None = None
        if step is not None:
            with atomic_write(folder / RESULTS) as part:
                part.write_text("".join(f"{as_json(line)}\n" for line in self.results))
        if events is not None:
            _cut_back(folder, events)

    @property
    def _events(self) -> "SummaryWriter":
        """TensorBoard's writer, which begins a file of its own: only when there is something to write."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # takes a second to import

            _silence_writer_threads()
            with full_disk_told(self.folder):
                self._writer = SummaryWriter(str(self.folder), purge_step=self._purge_step, flush_secs=30)
        return self._writer

    def flushed(self) -> dict[str, int]:
        """Put all that TensorBoard was told on the disk. Returns the size of each of its files in bytes."""
        if self._writer is not None:
            with full_disk_told(self.folder):
                self._writer.flush()
        paths = sorted(self.folder.glob(EVENTS))
        if self._writer is not None:
            to_disk(paths[-1])
        return {path.name: path.stat().st_size for path in paths}

    def result(self, line: Result, step: int) -> None:
        """Add a line to results.jsonl and its numbers to TensorBoard."""
        self.results.append(line)
        append_line(self.folder / RESULTS, as_json(line))
        name = f"{line['test_set']}_{line['protocol']}"
        self.scalars(name, {key: line[key] for key in METRICS if line.get(key) is not None}, step)

    def scalars(self, group: str, values: Mapping[str, float | int | Tensor], step: int) -> None:
        with full_disk_told(self.folder):
            for name, value in values.items():
                self._events.add_scalar(f"{group}/{name}", float(value), step)

    def histogram(self, name: str, values: Tensor, step: int) -> None:
        with full_disk_told(self.folder):
            self._events.add_histogram(name, values.detach().float().cpu().numpy(), step)

    def picture(self, name: str, figure: Figure, step: int, keep: bool = False) -> None:
        """Add a figure to TensorBoard; keep: also as figures/<name>.png."""
        if keep:
            save_figure(figure, self.folder / "figures" / f"{name}.png")
        with full_disk_told(self.folder):
            self._events.add_figure(name, figure, step)

    def close(self) -> None:
        if self._writer is not None:
            with full_disk_told(self.folder):
                self._writer.close()


def as_json(line: Result) -> str:
    """Format a line of results.jsonl: null for what is no number, which JSON does not know."""
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}
    return json.dumps(finite, allow_nan=False)


def _cut_back(folder: Path, events: Mapping[str, int]) -> None:
    """Make TensorBoard's files of a folder what they were: bytes by name, others were not there."""
    for path in folder.glob(EVENTS):
        if path.name not in events:
            path.unlink()
        elif path.stat().st_size > events[path.name]:
            os.truncate(path, events[path.name])


def _silence_writer_threads() -> None:
    """An error in the thread that writes for TensorBoard comes up again at the next call; it needs no traceback too."""
    from tensorboard.summary.writer.event_file_writer import _AsyncWriterThread

    before = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        if not (isinstance(failed.thread, _AsyncWriterThread) and isinstance(failed.exc_value, OSError)):
            before(failed)

    threading.excepthook = hook


class Progress:
    """A bar with poses per second and time left on a terminal; elsewhere nothing but the lines it is told."""

    def __init__(self, total_poses: int, done_poses: int = 0, quiet: bool = False) -> None:
        self._start, self._done, self._first, self._total = time.monotonic(), done_poses, done_poses, total_poses
        self.quiet = quiet
        self._bar = tqdm(
            total=total_poses, initial=done_poses, unit=" poses", unit_scale=True, dynamic_ncols=True, smoothing=0.1,
            disable=quiet or not sys.stderr.isatty(), leave=False,
        )  # fmt: skip

    def add(self, poses: int, text: str) -> None:
        self._done += poses
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(poses)

    def say(self, line: str) -> None:
        if not self.quiet:
            tqdm.write(line)
            sys.stdout.flush()

    def pace(self) -> str:
        """Poses per second so far and the time left at that pace (evaluation included)."""
        if self._done == self._first:
            return "learnt before"
        seconds = time.monotonic() - self._start
        speed = (self._done - self._first) / max(seconds, 1e-9)
        left = (self._total - self._done) / max(speed, 1e-9)
        return f"{speed:,.0f} poses/s, {tqdm.format_interval(left)} left"

    def close(self) -> None:
        self._bar.close()


def series(results: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Lines by (test set, protocol), in order of time."""
    lines: dict[tuple[str, str], list[Result]] = {}
    for line in results:
        lines.setdefault((line["test_set"], line["protocol"]), []).append(line)
    return lines


def chosen_by_validation(results: Sequence[Result]) -> tuple[int, str] | None:
    """(epoch, phase) of the smallest MPJPE on the validation set, if there is one."""
    lines = [line for line in results if line["test_set"] == VALIDATION]
    best = min(lines, key=lambda line: line["mpjpe"], default=None)
    return None if best is None else (best["epoch"], best["phase"])


def end_table(results: Sequence[Result]) -> str:
    """Last epoch, the epoch that validation chose, and the oracle, for every test set and protocol; every metric."""
    chosen = chosen_by_validation(results)
    shown = {key: metric for key, metric in METRICS.items() if any(line.get(key) is not None for line in results)}
    headers = [f"{metric.header} {metric.unit}" for metric in shown.values()]
    rows = [["test set", "protocol", *headers, "chosen by validation", ORACLE]]
    for (test_set, protocol), lines in series(results).items():
        last, best = lines[-1], min(lines, key=lambda line: line["mpjpe"])
        at_chosen = [line for line in lines if (line["epoch"], line["phase"]) == chosen]
        rows.append([
            test_set, protocol, *("-" if last.get(key) is None else f"{last[key]:.1f}" for key in shown),
            f"{at_chosen[0]['mpjpe']:.1f} (epoch {at_chosen[0]['epoch']})" if at_chosen else "-",
            "-" if test_set.startswith(VALIDATION) else f"{best['mpjpe']:.1f} (epoch {best['epoch']})",
        ])  # fmt: skip
    return "Last epoch (PCK at 150 mm; the last two columns: MPJPE mm):\n" + columns(rows)


def comparison_table(runs: Mapping[str, Sequence[Result]]) -> str:
    """Format a line per test set and recipe. MPJPE in mm; the change is against the first recipe."""
    by_recipe = {recipe: series(results) for recipe, results in runs.items()}
    first = next(iter(by_recipe))
    rows = [["test set", "protocol", "recipe", "MPJPE", "change", ORACLE]]
    for test_set, protocol in by_recipe[first]:
        if test_set.startswith(VALIDATION):
            continue
        for recipe, of_recipe in by_recipe.items():
            errors = [line["mpjpe"] for line in of_recipe[test_set, protocol]]
            before = by_recipe[first][test_set, protocol][-1]["mpjpe"]
            change = "" if recipe == first else f"{100 * (errors[-1] / before - 1):+.1f} %"
            rows.append([test_set, protocol, recipe, f"{errors[-1]:.1f}", change, f"{min(errors):.1f}"])
    return "MPJPE in mm, last epoch:\n" + columns(rows)
