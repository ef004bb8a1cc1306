"""Plain triangulation of several views, the yardstick of every lifter that sees several.

    python -m evaluation.triangulation --dataset cmu --views 2 3 4
    python -m evaluation.triangulation --dataset cmu --noise default --json triangulation.json

The test takes of a data set whose cameras stand around the person: true 2D, or with a detector's error put on it.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from augment.detections import as_detected
from augment.detector_noise import DetectorNoise
from data import DATASETS, TEST_SETS, DataSettings, PoseBatch, load_dataset
from data.command_line import read_flags
from data.multiview import MultiViewDataset
from data.readers import atomic_write
from evaluation.metrics import mpjpe, p_mpjpe
from evaluation.tables import columns
from kinematics.errors import PoseFKError, exit_with_one_sentence
from kinematics.triangulation import triangulate

BATCH = 4096


@dataclass
class Triangulation:
    """Triangulate a test set and compare it with the truth."""

    dataset: str = "cmu"
    """Data set of several views: cmu, demo, h36m, mpi_inf_3dhp or ski; its first test set."""
    views: tuple[int, ...] = (2, 3, 4)
    """Numbers of views, the first so many of each take."""
    noise: Literal["none", "default"] = "none"
    """Error of the 2D: none, or the project's default detector (an order of magnitude, not measured on one)."""
    reweightings: int = 0
    """Solve again so often with errors measured on the screen."""
    use_confidence: bool = True
    """Weight views by the detector's confidence."""
    seed: int = 0
    """Seed of the noise."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    json: Path | None = None
    """File for the numbers."""


@dataclass
class Row:
    """One number of views. Errors in mm: about the hip, after alignment, and of the joints' own places."""

    views: int
    mpjpe: float
    p_mpjpe: float
    absolute: float
    poses: int


def run(settings: Triangulation) -> list[Row]:
    """A row for each number of views."""
    if settings.dataset not in DATASETS:
        raise PoseFKError(f"--dataset {settings.dataset}: choose from {', '.join(DATASETS)}.")
    takes = load_dataset(settings.dataset, DataSettings(dataset=settings.dataset, data_root=settings.data_root)).tests[
        TEST_SETS[settings.dataset][0]
    ]
    rows = []
    for views in settings.views:
        rows.append(_row(MultiViewDataset.from_takes(takes, views=views), settings))
    return rows


@torch.inference_mode()
def _row(dataset: MultiViewDataset, settings: Triangulation) -> Row:
    generator = torch.Generator().manual_seed(settings.seed)
    found, true = [], []
    for indices in torch.arange(len(dataset)).split(BATCH):
        batch = dataset.batch(indices)
        true.append(batch.joints_world()[:, 0, 0].double())
        batch = _seen(batch, settings.noise, generator)
        assert batch.camera is not None
        weights = batch.certainty().double() if settings.use_confidence else None
        points = triangulate(batch.joints_2d.double(), batch.camera.to(torch.float64), weights, settings.reweightings)
        found.append(points[:, 0])
    points, truth = torch.cat(found), torch.cat(true)
    about, about_truth = points - points[:, :1], truth - truth[:, :1]
    return Row(
        dataset.views, 1000 * mpjpe(about, about_truth), 1000 * p_mpjpe(about, about_truth),
        1000 * mpjpe(points, truth), len(points),
    )  # fmt: skip


def _seen(batch: PoseBatch, noise: str, generator: torch.Generator) -> PoseBatch:
    """The batch as a detector would see each view by itself."""
    if noise == "none":
        return batch
    return as_detected(batch, DetectorNoise.default(batch.skeleton.name), generator)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    words = sys.argv[1:] if arguments is None else arguments
    settings = read_flags(Triangulation, "evaluation.triangulation", __doc__, words)
    rows = run(settings)
    table: list[list[Any]] = [["views", "MPJPE (mm)", "P-MPJPE (mm)", "absolute (mm)", "poses"]]
    table += [
        [str(row.views), f"{row.mpjpe:.2f}", f"{row.p_mpjpe:.2f}", f"{row.absolute:.2f}", f"{row.poses:,}"]
        for row in rows
    ]
    print(columns(table))
    if settings.json is not None:
        with atomic_write(settings.json) as part:
            part.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
        print(settings.json)


if __name__ == "__main__":
    exit_with_one_sentence(main)
