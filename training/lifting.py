"""One step of the lifter: prediction, loss, gradients, averaged weights; and its learning rate over the run."""

import copy
import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from data import PoseBatch, PoseDataset
from posenets import Lifter, PoseNet, build_posenet, dh_aug_sizes, filter_widths_of, lifter_name
from posenets.input_layouts import network_layout
from training import distributed
from training.config import LearningSettings, LifterSettings, Settings
from training.detections import RunNoise
from training.presets import BLOCK_NAMES, DROPOUT_NAMES, WIDTH_NAMES

STATISTICS_POSES = 4096  # windows from which a lifter takes the mean and spread of its coordinates


def build_lifter(settings: LifterSettings, recipe: str, skeleton: str) -> Lifter:
    """The lifter of a run. Recipe dh-aug starts from DH-AUG's sizes, the others from those of the lifter's paper."""
    name, frames = lifter_name(settings.posenet_name), settings.window
    sizes: dict[str, Any] = dh_aug_sizes(name, frames, settings.filter_widths) if recipe == "dh-aug" else {}
    if settings.posenet_width:
        sizes[WIDTH_NAMES[name]] = settings.posenet_width
    if settings.posenet_blocks:
        blocks = settings.posenet_blocks
        if not BLOCK_NAMES[name]:
            raise ValueError(f"--posenet_blocks {blocks}: {name} has no blocks to count, leave it out.")
        sizes[BLOCK_NAMES[name]] = filter_widths_of(frames, blocks) if name == "videopose" else blocks
    if settings.filter_widths:
        if name != "videopose":
            raise ValueError(f"--filter_widths is of videopose, {name} has none: say how many --frames it is to see.")
        sizes["filter_widths"] = list(settings.filter_widths)
    if settings.causal:
        if name != "videopose":
            raise ValueError(f"--causal True is for videopose, {name} is not made for it: leave it out.")
        sizes["causal"] = True
    if settings.standardised:
        if name != "simple_baseline":
            raise ValueError(f"--standardised True is for simple_baseline, {name} has no such switch: leave it out.")
        sizes["standardised"] = True
    if settings.dropout >= 0:
        sizes[DROPOUT_NAMES[name]] = settings.dropout
    if settings.confidence:
        sizes["in_features"] = 3
    layout = settings.input_layout or None
    num_joints = network_layout(skeleton, layout).num_joints
    return Lifter(build_posenet(name, num_joints, frames, **sizes), settings.input_mode, skeleton, layout)


def trainer_of(lifter: Lifter, settings: Settings, real: PoseDataset, noise: RunNoise) -> "LifterTrainer":
    """The trainer of a new lifter, which has seen the statistics of the training poses if it keeps them."""
    if settings.learning.loss_frames == "all" and type(lifter.posenet).forward_window is PoseNet.forward_window:
        lifter.posenet.forward_window(torch.empty(0))  # says in one sentence that it has none
    generator = torch.Generator().manual_seed(settings.seed)
    poses = noise.real(real.random_batch(STATISTICS_POSES, generator), generator).seen_as(lifter.input_skeleton)
    lifter.standardise(poses.lifter_input(lifter.reads_confidence), poses.joints_3d)
    distributed.broadcast(lifter)
    return LifterTrainer(lifter, settings.learning)


def learning_rate_factor(settings: LearningSettings, epochs_done: float | int, updates: int = 0) -> float:
    """Learning rate over the start's, after `epochs_done` (a fraction counts) epochs and `updates` of the lifter.

    With additional epochs the linear schedule stops short of 0, at 1 / (epochs + 1) as DH-AUG's, to decay from there.
    """
    epochs, extra = settings.epochs, settings.additional_epochs
    done = min(epochs_done, epochs)
    factors = {
        "cosine": 0.5 * (1 + math.cos(math.pi * min(done / epochs, 0.95 if extra else 1.0))),
        "linear": 1 - done / (epochs + 1 if extra else epochs),
        "exponential": settings.lr_decay ** math.floor(done),
        "staircase": settings.lr_decay ** (updates // settings.lr_decay_steps),
        "constant": 1.0,
    }
    appended = 1 + math.floor(epochs_done - epochs) if extra and epochs_done >= epochs else 0
    return factors[settings.lr_schedule] * settings.additional_lr_decay**appended


def mean_square(prediction: Float[Tensor, "*batch joints 3"], target: Float[Tensor, "*batch joints 3"]) -> Tensor:
    """Mean squared coordinate error as a loss, square metres."""
    return (prediction - target).square().mean()


def mean_distance(prediction: Float[Tensor, "*batch joints 3"], target: Float[Tensor, "*batch joints 3"]) -> Tensor:
    """MPJPE as a loss, metres."""
    return (prediction - target).square().sum(-1).add(1e-12).sqrt().mean()


@torch.no_grad()
def limit_norms(network: nn.Module, largest: float) -> None:
    """Scale the weights that each unit reads with down to a norm of `largest` (max-norm of Srivastava et al., 2014).

    Martinez's program divides whole matrices by their norm inside the forward pass; behind a batch norm both leave the
    answer as it is, and here the learning rate stays small beside the weights.
    """
    for weight in network.parameters():
        if weight.ndim > 1:
            norms = weight.flatten(1).norm(dim=1)
            weight.mul_((largest / norms).clamp_max(1.0).view(-1, *[1] * (weight.ndim - 1)))


class LifterTrainer:
    """The lifter, its optimiser and its averaged weights.

    evaluated: the lifter to evaluate and keep: the averaged one, or itself without averaging.
    """

    def __init__(self, lifter: Lifter, settings: LearningSettings) -> None:
        if settings.loss == "standard_mse" and lifter.readout is not None:
            raise ValueError(
                "--loss standard_mse is in the spread of the network's own joints, which with --input_layout are not "
                "those it is judged by: add --loss mpjpe."
            )
        if settings.loss == "standard_mse" and lifter.posenet.spread() is None:
            raise ValueError(
                f"--loss standard_mse needs the spread of the training poses, which {lifter.posenet.name} has not: "
                "choose seq2seq or simple_baseline with --standardised True, or another loss."
            )
        self.lifter, self.settings = lifter, settings
        # Without weight decay AdamW is Adam.
        decay = settings.weight_decay
        self.optimizer = torch.optim.AdamW(lifter.parameters(), lr=settings.lr, weight_decay=decay, fused=True)
        self.average = copy.deepcopy(lifter).requires_grad_(False) if settings.ema else None
        self.updates = 0

    @property
    def evaluated(self) -> Lifter:
        return self.average or self.lifter

    def set_learning_rate(self, epochs_done: float) -> float:
        """Returns the learning rate from here on. epochs_done: by the lifter, not counting warm-up."""
        rate = self.settings.lr * learning_rate_factor(self.settings, epochs_done, self.updates)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def step(self, batch: PoseBatch) -> Tensor:
        """Learn from a batch, and from its images in mirror and time as the settings say. Returns the batch's loss."""
        batch, mirrored = batch.seen_as(self.lifter.input_skeleton), self.settings.mirrored
        if mirrored == "concatenated":
            variants = [PoseBatch.cat([batch, batch.mirrored()])]
        else:
            variants = [batch, batch.mirrored()] if mirrored == "separate" else [batch]
        if self.settings.playback and batch.frames > 1:  # plain, backwards, mirrored, both: DH-AUG's order
            variants = [turned for variant in variants for turned in (variant, variant.reversed())]
        return [self._update(variant) for variant in variants][0]

    def _update(self, batch: PoseBatch) -> Tensor:
        self.lifter.train()
        target = batch.root_relative()  # (B, T, J, 3) m
        loss = self._loss(batch.lifter_input(self.lifter.reads_confidence), target)
        loss.backward()
        distributed.average_gradients(self.lifter.parameters())
        if self.settings.max_grad_norm:
            nn.utils.clip_grad_norm_(self.lifter.parameters(), self.settings.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.settings.max_norm:
            limit_norms(self.lifter, self.settings.max_norm)
        self.updates += 1
        self._follow()
        return loss.detach()

    def _loss(self, joints_2d: Tensor, target: Tensor) -> Tensor:
        narrow = self.settings.precision == "bfloat16" and joints_2d.is_cuda
        every_frame = self.settings.loss_frames == "all"
        with torch.autocast(joints_2d.device.type, dtype=torch.bfloat16, enabled=narrow):
            prediction = self.lifter.forward_window(joints_2d) if every_frame else self.lifter(joints_2d)[:, None]
        prediction = prediction.to(target.dtype)  # (B, T or 1, J, 3)
        if not every_frame:
            target = target[:, self.lifter.target_frame, None]
        measure = mean_distance if self.settings.loss == "mpjpe" else mean_square
        spread = self.lifter.posenet.spread() if self.settings.loss == "standard_mse" else None
        if spread is not None:
            prediction, target = prediction / spread, target / spread
        loss = measure(prediction, target)
        if every_frame and self.settings.difference_weight and target.shape[1] > 1:
            loss = loss + self.settings.difference_weight * measure(prediction.diff(dim=1), target.diff(dim=1))
        return loss

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights and running statistics; early on faster, so that the start is forgotten."""
        if self.average is None:
            return
        decay = min(self.settings.ema, (1 + self.updates) / (10 + self.updates))
        pairs = zip(self.average.state_dict().values(), self.lifter.state_dict().values(), strict=True)
        for kept, new in pairs:
            kept.lerp_(new, 1 - decay) if kept.is_floating_point() else kept.copy_(new)

    def synchronise(self) -> None:
        """Make the running statistics of all processes equal, before evaluating or saving."""
        distributed.average_buffers(self.lifter)
        if self.average is not None:
            distributed.average_buffers(self.average)

    def state_dict(self) -> dict[str, Any]:
        """Everything learnt so far."""
        return {
            "lifter": self.lifter.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.lifter.load_state_dict(state["lifter"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.updates = state["updates"]
