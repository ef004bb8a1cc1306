"""A run under way: its moving parts, where it stands, and how all of it is saved and restored."""

from pathlib import Path
from typing import Any

import torch

from augment import Augmenter
from data import PoseBatch
from data.devices import OTHER_DEVICE, go_on
from data.multiview.dataset import Poses
from training import distributed
from training.account import Account
from training.batches import RealBatches
from training.checkpoint import random_state, save_last, save_lifter, set_random_state
from training.config import Settings
from training.detections import RunNoise
from training.distributed import Processes
from training.divergence import absurd_loss, refuse_not_finite
from training.lifting import LifterTrainer
from training.log import Result
from training.plan import Plan, Round

# Streams of random numbers: real poses for the lifter, real poses for the GAN, synthetic poses, dropout.
STREAMS = 4
NOISE_STREAM = 2**32  # of the noise on real poses, far from the others so that it does not move their seeds


class Course:
    """epoch, round, step: what comes next, each from 0; batches: done so far in all rounds.

    agreed: whether all that the processes have learnt in this round is the same for all of them. saved: batches in
    last.pt; None: there is none. keeps_previous: whether that is worth keeping when the next one is saved. events:
    TensorBoard's files and their sizes in bytes.
    """

    def __init__(
        self, settings: Settings, plan: Plan, processes: Processes, real: Poses, augmenter: Augmenter | None,
        trainer: LifterTrainer, noise: RunNoise,
    ) -> None:  # fmt: skip
        self.settings, self.plan, self.processes = settings, plan, processes
        self.augmenter, self.trainer, self.noise = augmenter, trainer, noise
        self.epoch = self.round = self.step = self.batches = 0
        self.results: list[Result] = []
        self.best: dict[str, float] = {}
        self.account = Account(settings, absurd_loss(settings, trainer.lifter), processes.device)
        self.agreed = False
        self.saved: int | None = None
        self.keeps_previous = True
        self.events: dict[str, int] | None = None
        seed = (settings.seed * processes.count + processes.rank) * STREAMS
        self.real_for_lifter, self.real_for_gan = RealBatches(real, seed), RealBatches(real, seed + 1)
        self.noise_generator = torch.Generator(processes.device).manual_seed(seed + NOISE_STREAM)
        self.generator = torch.Generator(processes.device).manual_seed(seed + 2)
        self.start_of_block = self.generator.get_state()
        self.drawn: PoseBatch | None = None
        torch.manual_seed(seed + 3)

    def next_batch(self, kind: Round) -> tuple[PoseBatch | None, dict[str, Any]]:
        """Real and synthetic poses for the lifter if it learns, and the losses of the GAN if that has learnt first."""
        count = self.processes.share(self.settings.learning.batch_size)
        augmenter, losses = self.augmenter, {}
        rarely = self.settings.learning.gan_every if kind.updates_lifter else 1
        if augmenter is not None and kind.updates_gan and self.step % rarely == 0:
            motion = self.epoch >= self.settings.learning.motion_warmup
            losses = augmenter.update(self.real_for_gan.draw(count), motion)
        synthetic = round(count * kind.synthetic) if kind.updates_lifter else 0
        parts = []
        if synthetic < count and kind.updates_lifter:
            parts.append(self.noise.real(self.real_for_lifter.draw(count - synthetic), self.noise_generator))
        if synthetic and augmenter is not None:
            parts.append(self._synthetic(augmenter, synthetic))
        return PoseBatch.cat(parts) if parts else None, losses

    def _synthetic(self, augmenter: Augmenter, count: int) -> PoseBatch:
        """`count` fresh poses. They are drawn for as many batches at once as the GAN stays the same, which is faster.

        A run that is resumed inside such a block draws the block again.
        """
        block = self.settings.learning.gan_every
        place = self.step % block
        if place == 0 or self.drawn is None:
            self.start_of_block = self.generator.get_state()
            self.drawn = augmenter.sample(count * block, self.generator)
        return self.drawn[place * count : (place + 1) * count]

    def set_learning_rate(self) -> float:
        """Set the lifter's learning rate to what the plan says for this moment; returns it."""
        return self.trainer.set_learning_rate(self.plan.epochs_of_lifter(self.epoch, self.round, self.step))

    def step_done(self) -> None:
        """Count a batch."""
        self.step += 1
        self.batches += 1

    def agree(self) -> None:
        """Make what the processes have learnt in a round the same for all: before it is judged, and once."""
        if not self.agreed:
            self.account.look()
            self.trainer.synchronise()
            self.agreed = True

    def round_done(self) -> None:
        """Go on to the next round, and after an epoch's last one to the next epoch."""
        self.account.round_done()
        self.drawn, self.agreed = None, False
        self.step, self.round = 0, self.round + 1
        if self.round == len(self.plan.rounds(self.epoch)):
            self.round, self.epoch = 0, self.epoch + 1

    def keep_best(self, folder: Path, lines: list[Result]) -> None:
        """Write best_<test set>.pt for every test set whose error has never been smaller (first protocol of each)."""
        for line in lines:
            name, error = line["test_set"], line["mpjpe"]
            if line["protocol"] != lines[0]["protocol"] or not error < self.best.get(name, float("inf")):
                continue
            self.best[name] = error
            save_lifter(folder / f"best_{name}.pt", self.trainer.evaluated, line["epoch"], self.settings)

    def save(self, folder: Path | None) -> None:
        """Write last.pt; all processes take part, each with its own random numbers. folder: None for all but one.

        The one before stays as last.previous.pt. Refuses to put a state that is not finite in its place.
        """
        augmenter = None if self.augmenter is None else self.augmenter.state_dict()
        again = self.drawn is not None and self.step < self.plan.steps and self.step % self.settings.learning.gan_every
        own = distributed.gather(
            {
                "augmenter_random": augmenter and augmenter["random"],
                "torch": random_state(self.processes.device),
                "generator": self.start_of_block if again else self.generator.get_state(),
                "noise": self.noise_generator.get_state(),
                "real_for_lifter": self.real_for_lifter.state_dict(),
                "real_for_gan": self.real_for_gan.state_dict(),
                "trainer": self.trainer.own_state() if self.processes.count > 1 else None,
            }
        )
        with distributed.failing_together():
            if folder is not None:
                state = self._state(own, augmenter)
                refuse_not_finite(state, self.settings)
                save_last(folder, self.trainer.evaluated, self.epoch, self.settings, state, self.keeps_previous)
        self.saved, self.keeps_previous = self.batches, True

    def _state(self, own: list[dict[str, Any]], augmenter: dict[str, Any] | None) -> dict[str, Any]:
        """All it takes to stand here again. own: what is each process's own."""
        return {
            "epoch": self.epoch, "round": self.round, "step": self.step, "batches": self.batches,
            "agreed": self.agreed, "results": self.results, "best": self.best, "processes": own,
            "trainer": self.trainer.state_dict(), "augmenter": augmenter, "account": self.account.state_dict(),
            "acceptance": {} if self.augmenter is None else dict(self.augmenter.acceptance),
            "events": self.events, "noise": self.noise.to_plain(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where a saved run stood."""
        if len(state["processes"]) != self.processes.count:
            raise ValueError(
                f"--resume: the run had {len(state['processes'])} processes, now there are {self.processes.count}: "
                f"start it with torchrun --nproc_per_node {len(state['processes'])}."
            )
        for name in ("epoch", "round", "step", "batches", "results", "best"):
            setattr(self, name, state[name])
        rounds = len(self.plan.rounds(self.epoch))
        if self.epoch > self.plan.epochs or self.round >= rounds or self.step > self.plan.steps:
            raise ValueError(
                f"--resume: the run stood at batch {self.step} of round {self.round} in epoch {self.epoch}, but its "
                f"settings make {self.plan.steps}, {rounds} and {self.plan.epochs} of this data: use the data it had."
            )
        self.saved, self.agreed, self.events = self.batches, state.get("agreed", False), state.get("events")
        if "account" in state:  # runs from before there was one were saved where it is empty, or nearly so
            self.account.load_state_dict(state["account"])
        self.trainer.load_state_dict(state["trainer"])
        own = state["processes"][self.processes.rank]
        if own.get("trainer") is not None:
            self.trainer.load_own_state(own["trainer"])
        if self.augmenter is not None:
            saved = state["augmenter"] or {"sources": {}}
            self.augmenter.load_state_dict({**saved, "random": own["augmenter_random"]})
            self.augmenter.acceptance = dict(state.get("acceptance", {}))
        if not go_on(self.generator, own["generator"], "The saved run") and self.processes.first:
            print(OTHER_DEVICE)
        if "noise" in own:  # runs from before there was any have none
            go_on(self.noise_generator, own["noise"], "The saved run")
        self.drawn = None
        self.real_for_lifter.load_state_dict(own["real_for_lifter"])
        self.real_for_gan.load_state_dict(own["real_for_gan"])
        set_random_state(own["torch"], self.processes.device)
