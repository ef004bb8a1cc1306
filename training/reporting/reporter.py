"""What the first process tells and writes while a run goes on."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from training.checkpoint import LAST, held_folder, make_run_folder, write_settings
from training.config import Settings
from training.detections import NOISE_FILE, RunDetectorNoise
from training.divergence import LOOK_EVERY
from training.evaluator import Evaluator
from training.reporting.log import Progress, Result, RunLog, end_table
from training.reporting.pictures import Pictures
from training.schedule import Phase, updates_per_batch
from training.state import TrainingState


@contextlib.contextmanager
def reporting(run: TrainingState, evaluator: Evaluator, settings: Settings) -> Iterator["Reporter"]:
    """Open a run's reporter in a new, held folder, or in the one it goes on in."""
    with contextlib.ExitStack() as held:
        if settings.resume:
            folder = Path(settings.resume).parent
        else:
            folder = make_run_folder(settings, run.comparison.suffix(settings))
            write_settings(folder, settings, run.trainer.lifter.posenet)
            held.enter_context(held_folder(folder))
        reporter = Reporter(run, evaluator, settings, folder)
        try:
            yield reporter
        finally:
            with contextlib.suppress(OSError):  # whoever leaves because of the disk has said so
                reporter.close()


class Reporter:
    """Fills a run's folder."""

    def __init__(self, run: TrainingState, evaluator: Evaluator, settings: Settings, folder: Path) -> None:
        self.run, self.settings, self.folder = run, settings, folder
        self.log = RunLog(folder, run.results, run.batches if settings.resume else None, run.events)
        batch_size = settings.learning.batch_size
        total, done = run.schedule.total_batches() * batch_size, run.batches * batch_size
        self.progress = Progress(total, done)
        self._pictures = Pictures(self.log, run, evaluator) if settings.output.figures else None
        weights = sum(parameter.numel() for parameter in run.trainer.lifter.parameters())
        learner = f"{settings.lifter.posenet_name} ({weights:,} weights)"
        updates = run.schedule.lifter_batches() * updates_per_batch(settings)
        poses = f"{run.schedule.poses:,} real poses in {updates:,} updates"
        self.progress.say(f"{settings.recipe}: {learner} learns from {poses} on {run.processes.device}")
        self.progress.say(f"writing {self.folder}")
        if settings.resume and (name := Path(settings.resume).name) != LAST:
            self.progress.say(f"{LAST} is not what is gone on from, but {name}: after {run.batches:,} batches")
        if run.epoch >= run.schedule.epochs:
            self.progress.say(f"all {run.schedule.epochs} epochs were done before: nothing is left to learn")
        for note in evaluator.notes(run.trainer.lifter, run.mixer.real):
            self.progress.say(note)
        self._tell_noise(run.mixer.noise)

    def _tell_noise(self, noise: RunDetectorNoise) -> None:
        """The detector noise in a line, and as a file that --detector_noise of another run can name."""
        if noise.model is not None:
            poses = "synthetic and real poses" if noise.on_real else "synthetic poses"
            self.progress.say(f"{noise.model.summary()}; on {poses}")
            noise.model.save(self.folder / NOISE_FILE)

    def batch(self, phase: Phase, loss: Tensor | None, rate: float) -> None:
        """After each batch, and after its losses are in the run's losses."""
        run = self.run
        text = f"epoch {run.epoch + 1}/{run.schedule.epochs} {phase.name}"
        self.progress.add(self.settings.learning.batch_size, text)
        if run.losses.news:
            self.progress.say(run.losses.news)
            run.losses.news = None
        if run.batches % LOOK_EVERY == 0:
            if loss is not None:
                self.log.scalars("lifter", {"loss": loss, "learning_rate": rate}, run.batches)
            self.log.scalars("gan", run.losses.gan, run.batches)  # the last ones: not every batch has some

    def results(self, lines: list[Result]) -> None:
        for line in lines:
            self.run.results.append(line)
            self.log.result(line, self.run.batches)
        self.run.keep_best(self.folder, lines)

    def phase_done(self, epoch: int, phase: Phase) -> None:
        """One line on what the phase came to, and whatever the GAN has to warn of."""
        parts = [f"epoch {epoch + 1}/{self.run.schedule.epochs} {phase.name}:"]
        loss = self.run.losses.mean()
        if loss is not None:
            parts.append(f"loss {self._loss_text(loss)},")
        parts.append(self.progress.pace())
        lines = [line for line in self.run.results if (line["epoch"], line["phase"]) == (epoch + 1, phase.name)]
        if lines:
            first = [line for line in lines if line["protocol"] == lines[0]["protocol"]]
            parts.append("| MPJPE " + ", ".join(f"{line['test_set']} {line['mpjpe']:.1f}" for line in first) + " mm")
        self.progress.say(" ".join(parts))
        if skipped := self.run.losses.skipped_text():
            self.progress.say(f"  warning: {skipped}")
        self._augmenter_news()

    def _augmenter_news(self) -> None:
        """Report how many synthetic poses could be used, and whether the GAN has collapsed."""
        augmenter = self.run.augmenter
        if augmenter is None:
            return
        self.log.scalars("acceptance", augmenter.acceptance, self.run.batches)
        kept = ", ".join(f"{source} {100 * share:.0f} %" for source, share in augmenter.acceptance.items())
        if kept:
            self.progress.say(f"  synthetic poses in front of their camera and in its image: {kept}")
        sentence = augmenter.problem(self.run.losses.gan)
        if sentence:
            self.progress.say(f"  warning: {sentence}")

    def _loss_text(self, mean: float) -> str:
        if self.settings.self_supervision.self_supervised:  # metres and half image widths
            return f"{mean:.4f}"
        units = {"mpjpe": f"{1000 * mean:.1f} mm", "mse": f"{1e6 * mean:.0f} mm²", "standard_mse": f"{mean:.4f}"}
        return units[self.settings.learning.loss]

    def pictures(self, epoch: int) -> None:
        if self._pictures is not None:
            self._pictures.draw(epoch)

    def finish(self) -> None:
        self.close()
        if self.run.results:
            print(f"\n{end_table(self.run.results)}")
        figures = ", figures/" if self._pictures else ""
        print(f"\nIn {self.folder}: settings.json, results.jsonl, {LAST}, best_*, TensorBoard events{figures}")

    def close(self) -> None:
        self.progress.close()
        self.log.close()
