"""How well standard deviations of joints fit the errors of a lifter on people nobody has learnt or fitted on.

    python -m benchmarks.uncertainty --checkpoint last.safetensors --figure docs/figures/uncertainty.png

Three error models are fitted to the same held-out poses: a constant per coordinate, one that grows with the distance
from the mirror image's prediction, and the network of posenets.uncertainty.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from data import DataSettings, load_dataset, load_test_set
from data.command_line import read_flags
from evaluation.calibration import calibration_curve, calibration_scores
from evaluation.drawing.charts import save_figure
from evaluation.drawing.colours import FAINT
from evaluation.evaluate import dataset_for, noisy
from posenets import ScreenLifter, load_lifter
from posenets.uncertainty import Lifted, fit_joint_uncertainty
from training.uncertainty import held_out_batches, lifted_poses

Model = Callable[[Lifted], Tensor]
# digits
SCORES = {"nll": 2, "cover_50": 0, "cover_68": 0, "cover_90": 0, "cover_95": 0, "ece": 1, "spearman": 2, "ause": 2}
BINS = 12
_COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7")


@dataclass
class Benchmark:
    """Compare error models of a lifter."""

    checkpoint: Path
    """A lifter trained on CMU-X."""
    figure: Path | None = None
    """Picture of the network's calibration."""
    test_sets: tuple[str, ...] = ("cmux2_a", "cmux2_b", "cmux2_b_coco")
    """Test sets, each with true 2D and with a detector's error."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    most: int = 10_000
    """Poses of each test set at most."""
    seed: int = 0
    """Of the poses and of the fit."""


def second_moments(lifted: Lifted, error: Tensor, mirror: bool) -> Model:
    """Fit a constant variance, or a + b d^2 with d half the distance to the mirror image's prediction, each joint."""
    apart = (lifted.prediction - lifted.mirrored).square() / 4
    squared, slope = error.square(), torch.zeros_like(error[0])
    if mirror:
        centred = apart - apart.mean(dim=0)
        slope = ((centred * squared).sum(dim=0) / centred.square().sum(dim=0).clamp_min(1e-12)).clamp_min(0)
    constant = (squared - slope * apart).mean(dim=0).clamp_min(1e-6) * (squared.amax(dim=0) > 0)
    return lambda seen: (constant + slope * (seen.prediction - seen.mirrored).square() / 4).sqrt()


def run(settings: Benchmark) -> None:
    lifter = load_lifter(settings.checkpoint)
    assert isinstance(lifter, ScreenLifter)
    data = DataSettings(data_root=settings.data_root, num_joints=lifter.skeleton.num_joints)
    people = dataset_for(lifter, load_dataset("cmu", data).validation)
    generator = torch.Generator().manual_seed(settings.seed)
    start = time.process_time()
    lifted, target = lifted_poses(lifter, held_out_batches(lifter, people, generator), generator)
    drawn = time.process_time() - start
    error = lifted.mean - target
    models: dict[str, Model] = {
        "constant": second_moments(lifted, error, False), "mirror": second_moments(lifted, error, True),
        "network": fit_joint_uncertainty(lifted, target, lifter.skeleton, settings.seed),
    }  # fmt: skip
    print(f"{len(target)} held-out poses in {drawn:.1f} s, fits in {time.process_time() - start - drawn:.1f} s of CPU")
    print("| test set | 2D | model | " + " | ".join(SCORES) + " |\n|" + "---|" * (3 + len(SCORES)))
    drawn_results = {}
    for test_set in settings.test_sets:
        dataset = dataset_for(lifter, load_test_set(test_set, data, lifter.frames))
        for noise in ("none", "default"):
            poses = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[: settings.most]
            seen, true = lifted_poses(
                lifter, [noisy(dataset, noise, test_set, lifter.input_skeleton).batch(poses)], generator
            )
            for name, model in models.items():
                result = seen.mean - true, model(seen)
                scores = calibration_scores(*result)
                cells = " | ".join(f"{scores[key]:.{digits}f}" for key, digits in SCORES.items())
                print(f"| `{test_set}` | {'true' if noise == 'none' else 'noisy'} | {name} | {cells} |", flush=True)
                drawn_results[test_set, noise, name] = result
    if settings.figure is not None:
        save_figure(draw(drawn_results), settings.figure)


def draw(results: dict[tuple[str, str, str], tuple[Tensor, Tensor]]) -> Figure:
    """Draw calibration curves, and the error of what is equally sure against the standard deviation said."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    curves, bins = figure.subplots(1, 2)
    curves.plot([0, 100], [0, 100], color=FAINT, linewidth=1)
    bins.plot([5, 500], [5, 500], color=FAINT, linewidth=1)
    colours = dict(zip([key[:2] for key in results if key[2] == "network"], _COLOURS, strict=False))
    for (test_set, noise, name), (error, sd) in results.items():
        if name == "mirror":
            continue
        moving = (error[:, 1:], sd[:, 1:])
        levels, covered = (100 * np.array(values) for values in calibration_curve(*moving))
        colour, label = colours[test_set, noise], f"{test_set}, {'true' if noise == 'none' else 'noisy'} 2D"
        if name == "constant":
            curves.plot(levels, covered, color=colour, linewidth=0.8, linestyle=":")
            continue
        curves.plot(levels, covered, color=colour, linewidth=1.6, label=label)
        order = moving[1].flatten().argsort().chunk(BINS)
        root_mean_square = [
            [1000 * float(values.flatten()[part].square().mean().sqrt()) for part in order] for values in moving
        ]
        bins.plot(root_mean_square[1], root_mean_square[0], "o-", color=colour, markersize=3, linewidth=1, label=label)
    curves.set(xlabel="interval of a Gaussian, %", ylabel="errors inside it, %", xlim=(0, 100), ylim=(0, 100))
    curves.set_title("coverage (dotted: constant standard deviation)", fontsize=10)
    bins.set(xlabel="standard deviation said, mm", ylabel="error, root mean square, mm", xscale="log", yscale="log")
    bins.set_title("twelve groups of coordinates, by what is said of them", fontsize=10)
    curves.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    run(read_flags(Benchmark, "benchmarks.uncertainty", __doc__))
