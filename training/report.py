"""What the first process tells and writes while a run goes on."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from training.checkpoint import find_last, make_run_folder
from training.config import Settings
from training.course import Course
from training.detections import NOISE_FILE, RunNoise
from training.judging import Judge
from training.log import Progress, Result, RunLog, end_table
from training.pictures import Pictures
from training.plan import Round

LOG_EVERY = 20  # batches between two numbers in TensorBoard


class Reporter:
    """Makes the run's folder (or goes on in it) and fills it. suffix: at the end of the folder's name."""

    def __init__(self, course: Course, judge: Judge, settings: Settings, suffix: str, resumed: str) -> None:
        self.course, self.settings = course, settings
        self.folder = find_last(resumed).parent if resumed else make_run_folder(settings, suffix)
        self.log = RunLog(self.folder, course.results, course.batches if resumed else None)
        batch_size = settings.learning.batch_size
        total, done = course.plan.total_batches() * batch_size, course.batches * batch_size
        self.progress = Progress(total, done)
        self._pictures = Pictures(self.log, course, judge) if settings.output.figures else None
        self._losses: list[Tensor] = []
        self._gan_losses: dict[str, float] = {}
        learner = f"{settings.lifter.posenet_name} ({_count(course.trainer.lifter)} weights)"
        poses = f"{len(course.real_for_lifter.dataset):,} real poses"
        self.progress.say(f"{settings.recipe}: {learner} learns from {poses} on {course.processes.device}")
        self.progress.say(f"writing {self.folder}")
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

    def batch(self, kind: Round, loss: Tensor | None, gan: Mapping[str, float], rate: float) -> None:
        """After each batch."""
        course = self.course
        if loss is not None:
            self._losses.append(loss)
        self._gan_losses.update(gan)
        text = f"epoch {course.epoch + 1}/{course.plan.epochs} {kind.stage}"
        self.progress.add(self.settings.learning.batch_size, text)
        if course.batches % LOG_EVERY == 0:
            if loss is not None:
                self.log.scalars("lifter", {"loss": loss, "learning_rate": rate}, course.batches)
            self.log.scalars("gan", self._gan_losses, course.batches)  # the last ones: not every batch has some

    def results(self, lines: list[Result]) -> None:
        """After each evaluation."""
        for line in lines:
            self.course.results.append(line)
            self.log.result(line, self.course.batches)
        self.course.keep_best(self.folder, lines)

    def round_done(self, epoch: int, kind: Round) -> None:
        """One line on what the round came to, and whatever the GAN has to warn of."""
        parts = [f"epoch {epoch + 1}/{self.course.plan.epochs} {kind.stage}:"]
        if self._losses:
            parts.append(f"loss {self._loss_text()},")
            self._losses.clear()
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
        sentence = augmenter.collapse(self._gan_losses)
        if sentence:
            self.progress.say(f"  warning: {sentence}")

    def _loss_text(self) -> str:
        mean = float(torch.stack(self._losses).mean())
        if not math.isfinite(mean):
            raise ValueError("The lifter's loss is NaN or infinite: its training diverged; try a lower --lr.")
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
