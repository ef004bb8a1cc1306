"""What the first process tells and writes while a run goes on."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from training.checkpoint import LAST, PREVIOUS, find_last, held_folder, make_run_folder
from training.config import Settings
from training.course import Course
from training.detections import NOISE_FILE, RunNoise
from training.divergence import LOOK_EVERY
from training.judging import Judge
from training.log import Progress, Result, RunLog, end_table
from training.pictures import Pictures
from training.plan import Round


@contextlib.contextmanager
def reporting(course: Course, judge: Judge, settings: Settings, suffix: str) -> Iterator["Reporter"]:
    """The reporter of a run: in a new folder that is kept for it, or in the one it goes on in, which is already.

    suffix: at the end of the folder's name.
    """
    with contextlib.ExitStack() as held:
        if settings.resume:
            folder = find_last(settings.resume).parent
        else:
            folder = make_run_folder(settings, suffix)
            held.enter_context(held_folder(folder))
        reporter = Reporter(course, judge, settings, folder)
        try:
            yield reporter
        finally:
            with contextlib.suppress(OSError):  # whoever leaves because of the disk has said so
                reporter.close()


class Reporter:
    """Fills a run's folder."""

    def __init__(self, course: Course, judge: Judge, settings: Settings, folder: Path) -> None:
        self.course, self.settings, self.folder = course, settings, folder
        self.log = RunLog(folder, course.results, course.batches if settings.resume else None, course.events)
        batch_size = settings.learning.batch_size
        total, done = course.plan.total_batches() * batch_size, course.batches * batch_size
        self.progress = Progress(total, done)
        self._pictures = Pictures(self.log, course, judge) if settings.output.figures else None
        learner = f"{settings.lifter.posenet_name} ({_count(course.trainer.lifter)} weights)"
        poses = f"{len(course.real_for_lifter.dataset):,} real poses"
        self.progress.say(f"{settings.recipe}: {learner} learns from {poses} on {course.processes.device}")
        self.progress.say(f"writing {self.folder}")
        if settings.resume and find_last(settings.resume).name == PREVIOUS:
            self.progress.say(f"{LAST} is not what is gone on from, but {PREVIOUS}: after {course.batches:,} batches")
        if course.epoch >= course.plan.epochs:
            self.progress.say(f"all {course.plan.epochs} epochs of this run were done before: nothing is left to learn")
        for note in judge.notes(course.trainer.lifter, course.real_for_lifter.dataset):
            self.progress.say(note)
        self._tell_noise(course.noise)

    def _tell_noise(self, noise: RunNoise) -> None:
        """The detector noise in a line, and as a file that --detector_noise of another run can name."""
        if noise.model is not None:
            poses = "synthetic and real poses" if noise.on_real else "synthetic poses"
            self.progress.say(f"{noise.model.summary()}; on {poses}")
            noise.model.save(self.folder / NOISE_FILE)

    def batch(self, kind: Round, loss: Tensor | None, rate: float) -> None:
        """After each batch, and after its losses are in the course's account."""
        course = self.course
        text = f"epoch {course.epoch + 1}/{course.plan.epochs} {kind.stage}"
        self.progress.add(self.settings.learning.batch_size, text)
        if course.batches % LOOK_EVERY == 0:
            if loss is not None:
                self.log.scalars("lifter", {"loss": loss, "learning_rate": rate}, course.batches)
            self.log.scalars("gan", course.account.gan, course.batches)  # the last ones: not every batch has some

    def results(self, lines: list[Result]) -> None:
        """After each evaluation."""
        for line in lines:
            self.course.results.append(line)
            self.log.result(line, self.course.batches)
        self.course.keep_best(self.folder, lines)

    def round_done(self, epoch: int, kind: Round) -> None:
        """One line on what the round came to, and whatever the GAN has to warn of."""
        parts = [f"epoch {epoch + 1}/{self.course.plan.epochs} {kind.stage}:"]
        loss = self.course.account.mean()
        if loss is not None:
            parts.append(f"loss {self._loss_text(loss)},")
        parts.append(self.progress.pace())
        lines = [line for line in self.course.results if (line["epoch"], line["stage"]) == (epoch + 1, kind.stage)]
        if lines:
            first = [line for line in lines if line["protocol"] == lines[0]["protocol"]]
            parts.append("| MPJPE " + ", ".join(f"{line['test_set']} {line['mpjpe']:.1f}" for line in first) + " mm")
        self.progress.say(" ".join(parts))
        self._augmenter_news()

    def _augmenter_news(self) -> None:
        """How many synthetic poses could be used, and whether the GAN has collapsed."""
        augmenter = self.course.augmenter
        if augmenter is None:
            return
        self.log.scalars("acceptance", augmenter.acceptance, self.course.batches)
        kept = ", ".join(f"{source} {100 * share:.0f} %" for source, share in augmenter.acceptance.items())
        if kept:
            self.progress.say(f"  synthetic poses in front of their camera and in its image: {kept}")
        sentence = augmenter.problem(self.course.account.gan)
        if sentence:
            self.progress.say(f"  warning: {sentence}")

    def _loss_text(self, mean: float) -> str:
        if self.settings.self_supervision.self_supervised:  # metres and half image widths
            return f"{mean:.4f}"
        units = {"mpjpe": f"{1000 * mean:.1f} mm", "mse": f"{1e6 * mean:.0f} mm²", "standard_mse": f"{mean:.4f}"}
        return units[self.settings.learning.loss]

    def pictures(self, epoch: int) -> None:
        """After each epoch."""
        if self._pictures is not None:
            self._pictures.draw(epoch)

    def finish(self) -> None:
        """After the last epoch."""
        self.close()
        if self.course.results:
            print(f"\n{end_table(self.course.results)}")
        figures = ", figures/" if self._pictures else ""
        print(f"\nIn {self.folder}: settings.json, results.jsonl, last.pt, best_*.pt, TensorBoard events{figures}")

    def close(self) -> None:
        self.progress.close()
        self.log.close()


def _count(module: torch.nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in module.parameters()):,}"
