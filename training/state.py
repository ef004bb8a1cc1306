"""Where a run stands: its counters and results, and how all of it is saved and restored."""

from pathlib import Path
from typing import Any

from data import distributed
from data.devices import OTHER_DEVICE, go_on
from data.distributed import Processes
from posenets.checkpoints.files import SUFFIX
from training.batches import BatchMixer
from training.checkpoint import random_state, save_last, save_lifter, set_random_state
from training.comparison import Comparison
from training.config import Settings
from training.divergence import absurd_loss, refuse_not_finite
from training.lifting import LifterTrainer
from training.reporting.log import Result
from training.reporting.losses import LossMonitor
from training.schedule import Phase, Schedule


class TrainingState:
    """epoch, phase_index, step: what comes next, each from 0; batches: done so far in all phases.

    agreed: whether all that the processes have learnt in this phase is the same for all of them. saved: batches in
    last.safetensors; None: none. keeps_previous: whether that is worth keeping when the next one is saved. events:
    TensorBoard's files and their sizes in bytes.
    """

    def __init__(
        self, settings: Settings, schedule: Schedule, processes: Processes, mixer: BatchMixer, trainer: LifterTrainer,
        comparison: Comparison,
    ) -> None:  # fmt: skip
        self.settings, self.schedule, self.processes, self.comparison = settings, schedule, processes, comparison
        self.mixer, self.trainer, self.augmenter = mixer, trainer, mixer.augmenter
        self.epoch = self.phase_index = self.step = self.batches = 0
        self.results: list[Result] = []
        self.best: dict[str, float] = {}
        self.losses = LossMonitor(settings, absurd_loss(settings, trainer.lifter), processes.device)
        self.agreed = False
        self.saved: int | None = None
        self.keeps_previous = True
        self.events: dict[str, int] | None = None

    @property
    def lifter_epochs(self) -> float:
        """Count the epochs (a fraction counts) that the lifter has learnt."""
        return self.schedule.lifter_epochs(self.epoch, self.phase_index, self.step)

    def updates_gan(self, phase: Phase) -> bool:
        """Whether the GAN learns before this batch: in its warm-up before every one."""
        interval = self.settings.learning.gan_interval if phase.updates_lifter else 1
        return phase.updates_gan and self.step % interval == 0

    def step_done(self) -> None:
        self.step += 1
        self.batches += 1

    def agree(self) -> None:
        """Make what the processes have learnt in a phase the same for all: before it is evaluated, and once."""
        if not self.agreed:
            self.losses.look()
            self.trainer.synchronise()
            self.agreed = True

    def phase_done(self) -> None:
        """Go on to the next phase, and after an epoch's last one to the next epoch."""
        self.losses.phase_done()
        self.mixer.phase_done()
        self.agreed = False
        self.step, self.phase_index = 0, self.phase_index + 1
        if self.phase_index == len(self.schedule.phases(self.epoch)):
            self.phase_index, self.epoch = 0, self.epoch + 1

    def keep_best(self, folder: Path, lines: list[Result]) -> None:
        """Write best_<test set> for every test set whose error has never been smaller (first protocol of each)."""
        for line in lines:
            name, error = line["test_set"], line["mpjpe"]
            if line["protocol"] != lines[0]["protocol"] or not error < self.best.get(name, float("inf")):
                continue
            self.best[name] = error
            save_lifter(folder / f"best_{name}{SUFFIX}", self.trainer.evaluated, line["epoch"], self.settings)

    def save(self, folder: Path | None) -> None:
        """Write the state, each process with its random numbers; refuses NaN. folder: None for all but one process."""
        augmenter = None if self.augmenter is None else self.augmenter.state_dict()
        inside_chunk = self.step < self.schedule.steps and self.step % self.settings.learning.gan_interval != 0
        each = distributed.gather(
            {
                "augmenter_random": augmenter and augmenter["random"],
                "torch": random_state(self.processes.device),
                "trainer": self.trainer.process_state() if self.processes.count > 1 else None,
                **self.mixer.state_dict(inside_chunk),
            }
        )
        with distributed.failing_together():
            if folder is not None:
                state = self._state(each, augmenter)
                refuse_not_finite(state, self.settings)
                keep = self.settings.output.keep if self.keeps_previous else 1
                save_last(folder, self.trainer.evaluated, self.epoch, self.settings, state, keep)
        self.saved, self.keeps_previous = self.batches, True

    def _state(self, each: list[dict[str, Any]], augmenter: dict[str, Any] | None) -> dict[str, Any]:
        """Return all it takes to stand here again. each: what only one of the processes has."""
        return {
            "epoch": self.epoch, "round": self.phase_index, "step": self.step, "batches": self.batches,
            "agreed": self.agreed, "results": self.results, "best": self.best, "processes": each,
            "trainer": self.trainer.state_dict(), "augmenter": augmenter, "account": self.losses.state_dict(),
            "acceptance": {} if self.augmenter is None else dict(self.augmenter.acceptance),
            "events": self.events, "noise": self.mixer.noise.to_plain(),
            "comparison": self.comparison.to_plain(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where a saved run stood."""
        self._refuse_other_size(state)
        self.epoch, self.phase_index, self.step = state["epoch"], state["round"], state["step"]
        self.batches, self.results, self.best = state["batches"], state["results"], state["best"]
        self.saved, self.agreed, self.events = self.batches, state.get("agreed", False), state.get("events")
        if "account" in state:  # runs from before there was one were saved where it is empty, or nearly so
            self.losses.load_state_dict(state["account"])
        self.trainer.load_state_dict(state["trainer"])
        if self.augmenter is not None:
            self.augmenter.load_state_dict(state["augmenter"] or {"sources": {}})
            self.augmenter.acceptance = dict(state.get("acceptance", {}))
        before, count = state["processes"], self.processes.count
        said = self._go_on(before[self.processes.rank]) if len(before) == count else self._draw_anew(before)
        if said and self.processes.first:
            print(said)

    def _go_on(self, mine: dict[str, Any]) -> str | None:
        """Go on where this process stood. Returns what to say, if its random numbers cannot go on."""
        if mine.get("trainer") is not None:
            self.trainer.load_process_state(mine["trainer"])
        if self.augmenter is not None:
            go_on(self.augmenter.random, mine["augmenter_random"], "The saved augmenter")
        same_device = self.mixer.load_state_dict(mine)
        set_random_state(mine["torch"], self.processes.device)
        return None if same_device else OTHER_DEVICE

    def _draw_anew(self, before: list[dict[str, Any]]) -> str:
        """Go on with another number of processes, whose random numbers are new. before: states of those there were."""
        try:
            self.trainer.merge_process_states([each["trainer"] for each in before if each.get("trainer") is not None])
        except (RuntimeError, LookupError) as error:
            raise ValueError("--resume: what the run's processes have learnt does not fit together.") from error
        self.mixer.begin_streams(self.batches + 1)
        if self.augmenter is not None:
            self.augmenter.random.manual_seed(self.mixer.generator.initial_seed())
        return (
            f"The number of processes has changed from {len(before)} to {self.processes.count}: from here on the run's "
            "random numbers are others."
        )

    def _refuse_other_size(self, state: dict[str, Any]) -> None:
        """Refuse a state that the settings do not make of this data."""
        if not state["processes"]:
            raise ValueError("--resume: the run had 0 processes, so that it cannot go on: use an earlier state.")
        epoch, phase_index, step = state["epoch"], state["round"], state["step"]
        phases = len(self.schedule.phases(epoch))
        if epoch > self.schedule.epochs or phase_index >= phases or step > self.schedule.steps:
            raise ValueError(
                f"--resume: the run stood at batch {step} of phase {phase_index} in epoch {epoch}, but its "
                f"settings make {self.schedule.steps}, {phases} and {self.schedule.epochs} of this data: use the data "
                "it had."
            )
