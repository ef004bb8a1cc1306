"""Fit how sure a lifter is of each joint, on people it has not learnt from, and keep it in its checkpoint.

    python -m training.uncertainty --checkpoint checkpoint/.../last.safetensors
    python -m training.uncertainty --checkpoint last.safetensors --out sure.safetensors --report uncertainty.json

Takes seconds. evaluation.predict then writes joints_sd and draws it. docs/uncertainty.md has what was measured.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from augment import Augmenter
from augment.detector_noise.detections import as_detected, build_detector_noise, is_projected
from augment.detector_noise.model import FPS, DetectorNoise
from augment.settings import Mixture, recipe
from data import DATA_SOURCES, DataSettings, PoseBatch, all_test_sets, load_dataset, load_test_set
from data.command_line import read_flags
from data.data_source import choose
from data.devices import chosen_device
from data.files.writing import atomic_write, check_can_write
from data.multiview.dataset import Poses
from data.plain import from_plain
from evaluation.calibration import calibration_scores, errors_with_sd
from evaluation.evaluate import FRAMES_AT_ONCE, dataset_for, noisy
from kinematics import Skeleton, exit_with_one_sentence
from posenets import Lifter, ScreenLifter, lifter_from_checkpoint, load_lifter
from posenets.checkpoints.content import is_posefk
from posenets.checkpoints.files import SUFFIX, read_checkpoint, write_checkpoint
from posenets.uncertainty import Lifted, fit_joint_uncertainty

POSES = 12_000  # synthetic ones, of the held-out people
MOST_RECORDED = 6_000  # of these people as they were recorded
MIXTURE = Mixture(real=0.4, limb_swap=0.4, range_of_motion=0.2)
NOISE_LEVELS = (0.0, 0.5, 0.0, 1.0, 0.0, 1.5)  # times a detector's error, on parts of the poses
SAMPLED_SKELETON = "h36m_16"  # of synthetic poses


@dataclass
class Uncertainty:
    """Fit a standard deviation of every joint to a lifter's errors."""

    checkpoint: Path
    """A run's last or best_*.safetensors, or an original project's checkpoint (then with --posenet_name)."""
    out: Path | None = None
    """Where the checkpoint goes with it; default: into the same file."""
    dataset: str = ""
    """Data set whose held-out validation people it is fitted on; default: the one the lifter was trained on."""
    data_root: str = ""
    """Folder of the prepared npz files; default: that of the training."""
    test_sets: tuple[str, ...] = ()
    """Test sets to print scores on, such as cmux2_a cmux2_b, with true and with noisy 2D."""
    report: Path | None = None
    """JSON file for these scores."""
    seed: int = 0
    """Of the synthetic poses and of the fit."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint; --out is then one of PoseFK's."""
    input_mode: str = "screen"
    """What an original project's lifter reads (PoseFK's checkpoints say it themselves)."""
    device: str = "auto"
    """auto, cpu or cuda."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def run(settings: Uncertainty) -> list[dict[str, Any]]:
    """Fit, write the checkpoint, and return the scores on the test sets."""
    out = settings.out or settings.checkpoint.with_suffix(SUFFIX)
    check_can_write(out, "--out")
    check_can_write(settings.report, "--report")
    choose("Test set", settings.test_sets, all_test_sets())
    content = read_checkpoint(settings.checkpoint)
    if not is_posefk(content):
        content = load_lifter(settings.checkpoint, settings.posenet_name, settings.input_mode).to_checkpoint()
        if settings.out is None:
            raise ValueError(
                f"{settings.checkpoint} is an original project's file, which stays as it is: give --out FILE."
            )
    lifter = lifter_from_checkpoint(content, settings.checkpoint).to(chosen_device(settings.device))
    if not isinstance(lifter, ScreenLifter) or lifter.views > 1:
        raise ValueError(f"{settings.checkpoint} reads {lifter.views} cameras at once, expected a lifter of one.")
    name, data = data_of(content, settings, lifter)
    splits = load_dataset(name, data)
    if not splits.validation:
        raise ValueError(
            f"{name} has no validation people here that a lifter could be judged on: choose --dataset cmu."
        )
    fit_uncertainty(lifter, dataset_for(lifter, splits.validation, next(lifter.parameters()).device), settings.seed)
    assert lifter.uncertainty is not None
    write_checkpoint(out, {**content, "uncertainty": lifter.uncertainty.state_dict()})
    people = ", ".join(sorted({recording.subject for recording in splits.validation}))
    print(f"{out}: fitted on people {people} of {name}, whom validation holds out of training.")
    lines = [line for test_set in settings.test_sets for line in scores_on(lifter, test_set, data)]
    for line in lines:
        print("  ".join(f"{key} {value:.3g}" if isinstance(value, float) else value for key, value in line.items()))
    if settings.report is not None:
        with atomic_write(settings.report) as part:
            part.write_text(json.dumps(lines, indent=1, allow_nan=False) + "\n")
    return lines


def data_of(content: dict[str, Any], settings: Uncertainty, lifter: Lifter) -> tuple[str, DataSettings]:
    """Name the data set and its settings: those of the lifter's training, where nothing else is asked for."""
    stored = content.get("settings", {}).get("data", {})
    data = from_plain({"joint_definitions": "original"} | stored, DataSettings) if stored else DataSettings()
    name = choose("Data set", [settings.dataset or data.dataset], DATA_SOURCES)[0]
    keypoints = data.keypoints if name == data.dataset else "gt"
    return name, replace(
        data, dataset=name, keypoints=keypoints, data_root=settings.data_root or data.data_root,
        num_joints=lifter.skeleton.num_joints, hold_out_validation=True,
    )  # fmt: skip


def fit_uncertainty(lifter: ScreenLifter, people: Poses, seed: int = 0) -> None:
    """Fit `lifter.uncertainty` on people it has not learnt from, in its windows (evaluation.evaluate.dataset_for).

    They are seen by their own cameras and, with limbs exchanged and turned, by cameras of any kind, with and without a
    detector's error: an error model of what was recorded alone is far too sure elsewhere.
    """
    generator = torch.Generator(people.device).manual_seed(seed)
    lifted, target = lifted_poses(lifter, held_out_batches(lifter, people, generator), generator)
    lifter.uncertainty = fit_joint_uncertainty(lifted, target, lifter.skeleton, seed).to(lifted.prediction.device)


def held_out_batches(lifter: ScreenLifter, people: Poses, generator: torch.Generator) -> Iterator[PoseBatch]:
    """Yield poses of held-out people, recorded and synthetic, with several levels of a detector's error."""
    size, projected = max(64, FRAMES_AT_ONCE // lifter.frames), is_projected(people)
    recorded = torch.randperm(len(people), generator=generator, device=people.device)[:MOST_RECORDED]
    for part in recorded.split(size):
        yield from _noisier(people.batch(part), lifter, people, generator) if projected else [people.batch(part)]
    if people.cameras is not None and people.joints_3d.shape[-2] == Skeleton(SAMPLED_SKELETON).num_joints:
        settings = replace(recipe("posefk"), mixture=MIXTURE, detector_noise="none")
        augmenter = Augmenter(settings, people, generator.initial_seed(), people.device)
        for done in range(0, POSES, size):
            yield from _noisier(augmenter.sample(min(size, POSES - done)), lifter, people, generator)


def _noisier(batch: PoseBatch, lifter: ScreenLifter, people: Poses, generator: torch.Generator) -> Iterator[PoseBatch]:
    """Yield parts of a batch with NOISE_LEVELS times the error of the people's detector, or of the default one."""
    layout = lifter.input_skeleton
    fitted = None if is_projected(people) else build_detector_noise("auto", people)
    noise = fitted or DetectorNoise.default(layout.name, people.fps or FPS)
    for turn, level in enumerate(NOISE_LEVELS):
        part = batch[turn :: len(NOISE_LEVELS)].seen_as(layout)
        if level:
            scaled = {name: tuple(level * one for one in getattr(noise, name)) for name in ("sd", "outliers", "missed")}
            part = as_detected(part, replace(noise, **scaled), generator)
        yield part


def lifted_poses(
    lifter: ScreenLifter, batches: Iterable[PoseBatch], generator: torch.Generator
) -> tuple[Lifted, Float[Tensor, "poses joints 3"]]:
    """Predict batches and their mirror images; also return the true joints, metres, root at 0."""
    lifted, targets, device = [], [], next(lifter.parameters()).device
    for batch in batches:
        batch = batch.to(device)
        if lifter.reads_focal:  # half of the cameras known
            known = torch.rand(len(batch), generator=generator, device=generator.device) < 0.5
            batch = batch.with_focal_known(known.to(device))
        lifted.append(lifter.predict_both(batch))
        targets.append(lifter.target(batch)[:, lifter.target_frame])
    return Lifted(*(torch.cat(parts) for parts in zip(*lifted, strict=True))), torch.cat(targets)


def scores_on(lifter: ScreenLifter, test_set: str, data: DataSettings) -> list[dict[str, Any]]:
    """Score the standard deviations on a test set, on its 2D and where possible with a detector's error on it."""
    dataset = dataset_for(lifter, load_test_set(test_set, data, lifter.frames), next(lifter.parameters()).device)
    noises = ["none", "default"] if is_projected(dataset) else ["none"]
    return [
        {"test_set": test_set, "test_noise": noise}
        | calibration_scores(*errors_with_sd(lifter, noisy(dataset, noise, test_set, lifter.input_skeleton)))
        for noise in noises
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    run(read_flags(Uncertainty, "training.uncertainty", __doc__, arguments))


if __name__ == "__main__":
    exit_with_one_sentence(main)
