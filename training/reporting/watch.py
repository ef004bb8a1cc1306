"""Between two batches: whether to stop, save or give up; about once a second, all processes together."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from data import distributed
from data.files.writing import DiskTrouble
from evaluation.evaluate import UnscorableError
from kinematics.errors import BAD_INPUT_EXIT_CODE
from training.checkpoint import LAST
from training.divergence import DivergedError, diverged_advice
from training.evaluator import Evaluator
from training.reporting.reporter import Reporter, reporting
from training.schedule import Phase
from training.state import TrainingState
from training.stopping import StopRequest, leave, resume_command

SECONDS_A_LOOK = 1.0
MOST_BATCHES = 200  # from one look to the next
SECONDS_TO_LOSE = 30.0  # of learning, by a kill -9 in an evaluation


@contextlib.contextmanager
def watching(run: TrainingState, evaluator: Evaluator, stop: StopRequest) -> Iterator["Watch"]:
    """Watch over a run whose first process reports; nothing is written before."""
    with contextlib.ExitStack() as held:
        with distributed.failing_together():
            writes = run.processes.first
            reporter = held.enter_context(reporting(run, evaluator, run.settings)) if writes else None
        yield Watch(run, evaluator, reporter, stop)


class Watch:
    """Over one run. reporter: of the first process; None for the others."""

    def __init__(self, run: TrainingState, evaluator: Evaluator, reporter: Reporter | None, stop: StopRequest) -> None:
        self.run, self.evaluator, self.reporter, self.stop = run, evaluator, reporter, stop
        self.folder = None if reporter is None else reporter.folder
        self._minutes = run.settings.output.checkpoint_minutes
        self._saved = self._looked = time.monotonic()
        self._ahead = self._left = 1  # batches from the last look to the next, and from now to that
        self._trouble: Exception | None = None
        resumed = run.settings.resume
        if distributed.from_first(reporter is not None and not (resumed and Path(resumed).name == LAST)):
            run.keeps_previous = False  # whatever is called that, it is not what this run goes on from
            self.save()
        with self._told(), distributed.failing_together():
            if self.folder is not None:
                run.comparison.begun(self.folder)
        folder = distributed.from_first(self.folder)  # which every process has to know, should the first one be lost
        if folder is not None:
            stop.advice = f"Go on with: {resume_command(folder, run.settings.plugins)}"
        stop.heeded = True

    def batch_done(self, phase: Phase, loss: Tensor | None, gan_losses: Mapping[str, float], rate: float) -> None:
        """After each batch: count it, and look whether anything is called for."""
        self.run.losses.add(loss, gan_losses)
        self.run.step_done()
        if self.reporter and self._trouble is None:
            try:
                self.reporter.batch(phase, loss, rate)
            except DiskTrouble as error:  # other processes learn of it at the next look
                self._trouble = error
        self._left -= 1
        if self._left <= 0:
            self.look()

    def look(self) -> None:
        """Stop, save or give up if that is called for; all processes at the same batch."""
        now = time.monotonic()
        pace = max(now - self._looked, 1e-6) / self._ahead
        ahead = int(min(SECONDS_A_LOOK / pace, 2 * self._ahead, MOST_BATCHES))
        due = 0 < 60 * self._minutes <= now - self._saved
        trouble = self._trouble
        if trouble is None and self.run.losses.trouble is not None:
            trouble = DivergedError(self.run.losses.trouble)
        first, alone = self.reporter is not None, self.run.processes.count == 1
        asked, failed, save, ahead = distributed.largest(
            [self.stop.asked, trouble is not None, first and due, 1 if alone or not first else max(ahead, 1)]
        )
        self._looked, self._ahead, self._left = now, ahead, ahead
        if failed:
            self._give_up(trouble)
        if asked:
            self._leave()
        if save:
            self.save()

    def phase_done(self, epoch: int, phase: Phase) -> None:
        """After a phase: evaluate if it is time to, all processes together, and tell what the phase came to."""
        self.run.agree()
        self.look()
        evaluates, lines = phase.updates_lifter and self.run.schedule.evaluates(epoch), []
        if evaluates and distributed.from_first(self._minutes and time.monotonic() - self._saved > SECONDS_TO_LOSE):
            self.save()
        with self._told(), distributed.failing_together():
            if evaluates:
                lifter, asked = self.run.trainer.evaluated, lambda: self.stop.asked
                lines = self.evaluator.evaluate(lifter, epoch + 1, phase.name, asked, self.run.processes)
            if self.reporter and lines is not None:
                self.reporter.results(lines)
                self.reporter.phase_done(epoch, phase)
        if lines is None:
            self._leave()
        self._ahead = self._left = 1
        self._looked = time.monotonic()
        self.run.phase_done()

    def epoch_done(self, epoch: int) -> None:
        with self._told(), distributed.failing_together():
            if self.reporter:
                self.reporter.pictures(epoch)
        self.save()
        if self.run.epoch < self.run.schedule.epochs:
            self.look()

    def finish(self) -> None:
        if self.reporter:
            self.reporter.finish()

    def save(self) -> None:
        with self._told():
            with distributed.failing_together():
                if self.reporter:
                    self.run.events = self.reporter.log.flushed()
            self.run.save(self.folder)
        self._saved = time.monotonic()

    def _leave(self) -> None:
        self.save()
        leave(f"Stopped and saved. {self.stop.advice}")

    def _give_up(self, trouble: Exception | None) -> None:
        """Leave with the trouble that the first process which has any knows of."""
        who = distributed.gather(trouble is not None).index(True)
        if trouble is None or who != self.run.processes.rank:
            sys.exit(BAD_INPUT_EXIT_CODE)
        with self._told():
            raise trouble

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Inside, a full disk comes with what to do then, and divergence with what is kept."""
        try:
            yield
        except DiskTrouble as error:
            raise DiskTrouble(f"{error} {self.stop.advice if self.stop.heeded else ''}") from error
        except (DivergedError, UnscorableError) as error:
            kept = f"{LAST} in {self.folder} is the state after {self.run.saved or 0:,} batches, when all was well."
            said = error
            if isinstance(error, UnscorableError):
                said = f"The run has diverged: {error} {diverged_advice(self.run.settings)}"
            raise DivergedError(f"{said} {kept}") from error
