"""Charts of a run: errors over the epochs, error per joint. Each returns a Figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from evaluation.drawing.colours import FAINT, LEFT, MIDDLE, RIGHT

# Okabe and Ito's colours with line styles, so that curves are told apart in grey as well.
CURVES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#CC79A7", ":"), ("#56B4E9", "-"), ("#E69F00", "--"))

BARS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # neither the colour of left nor of right


def error_curves(results: Sequence[Mapping[str, Any]]) -> Figure:
    """Plot MPJPE and P-MPJPE over the epochs, a synthetic phase half an epoch before. results: of results.jsonl."""
    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    for axes, (key, name) in zip(figure.subplots(1, 2), (("mpjpe", "MPJPE"), ("p_mpjpe", "P-MPJPE")), strict=True):
        series = sorted({(line["test_set"], line["protocol"]) for line in results})
        for i, (test_set, protocol) in enumerate(series):
            lines = [line for line in results if (line["test_set"], line["protocol"]) == (test_set, protocol)]
            colour, style = CURVES[i % len(CURVES)]
            label = f"{test_set} ({protocol})"
            places = [line["epoch"] - 0.5 * (line["phase"] == "synthetic") for line in lines]
            errors = [line[key] for line in lines]
            axes.plot(places, errors, style, color=colour, marker="o", markersize=3, label=label)
        axes.set(title=f"{name} after each evaluation", xlabel="epoch", ylabel=f"{name} (mm)")
        axes.set_ylim(0, 1.05 * max((line[key] for line in results if math.isfinite(line[key])), default=1))
        axes.grid(color=FAINT, linewidth=0.4)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    figure.axes[0].legend(fontsize=8)
    return figure


def error_per_joint(errors: Mapping[str, Sequence[float]], joints: Sequence[str]) -> Figure:
    """Mean error of each joint on each test set. errors: test set -> mm per joint."""
    figure = Figure(figsize=(10, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(len(errors), 1)
    for i, (test_set, values) in enumerate(errors.items()):
        places = np.arange(len(joints)) + (i - (len(errors) - 1) / 2) * width
        axes.bar(places, values, width, label=test_set, color=BARS[i % len(BARS)])
    axes.set_xticks(range(len(joints)), joints, rotation=35, ha="right", fontsize=8)
    for label, joint in zip(axes.get_xticklabels(), joints, strict=True):
        label.set_color(LEFT if joint.startswith("L") else RIGHT if joint.startswith("R") else MIDDLE)
    axes.set(title="Error per joint, last epoch", ylabel="mean distance (mm)")
    axes.legend(fontsize=8)
    return figure
