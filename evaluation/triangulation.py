"""Plain triangulation of several views, the yardstick of every lifter that sees several.

    python -m evaluation.triangulation --dataset cmu --views 2 3 4
    python -m evaluation.triangulation --dataset cmu --noise default --json triangulation.json

The test recordings of a data set, seen by cameras around the person: true 2D, or with a detector's error on it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from augment.detector_noise.detections import check_setting
from data import DATA_SOURCES, DataSettings, load_dataset
from data.command_line import read_flags
from data.files.writing import atomic_write, check_can_write
from data.multiview.dataset import MultiViewDataset, Poses
from evaluation.evaluate import TEST_NOISES, noisy
from evaluation.metrics import mpjpe, p_mpjpe
from evaluation.tables import columns
from kinematics.errors import PoseFKError, choose, exit_with_one_sentence
from kinematics.triangulation import triangulate

BATCH = 4096


@dataclass
class Triangulation:
    """Triangulate a test set and compare it with the target."""

    dataset: str = "cmu"
    """Data set of several views: cmu, h36m, mpi_inf_3dhp or ski."""
    test_sets: tuple[str, ...] = ()
    """Its test sets; none: all of them."""
    views: tuple[int, ...] = (2, 3, 4)
    """Numbers of views, the first so many of each recording."""
    noise: str = "none"
    """Error of the 2D, the same that lifters are judged under with --test_noise: none, default (an order of magnitude,
    not measured on a detector) or a JSON file of DetectorNoise.save."""
    reweightings: int = 0
    """Solve again so often with errors measured on the screen."""
    use_confidence: bool = True
    """Weight views by the detector's confidence."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    json: Path | None = None
    """File for the numbers."""


@dataclass
class TriangulationScore:
    """One test set and number of views. Errors in mm: about the hip, after alignment, and of the joints' own places."""

    test_set: str
    views: int
    mpjpe: float
    p_mpjpe: float
    absolute: float
    poses: int


def run(settings: Triangulation) -> list[TriangulationScore]:
    known = DATA_SOURCES[choose("--dataset", settings.dataset, DATA_SOURCES)].test_sets
    check_setting(settings.noise, "noise", TEST_NOISES)
    if unknown := [name for name in settings.test_sets if name not in known]:
        raise PoseFKError(f"--test_sets {' '.join(unknown)}: {settings.dataset} has {', '.join(known)}.")
    scores = []
    for views in settings.views:
        data = DataSettings(dataset=settings.dataset, data_root=settings.data_root, views=views)
        splits = load_dataset(settings.dataset, data)
        for name in settings.test_sets or splits.tests:
            seen = MultiViewDataset.from_recordings((splits.tests | splits.more_tests)[name], views=views)
            scores.append(_score(name, seen, noisy(seen, settings.noise, name), settings))
    return sorted(scores, key=lambda score: known.index(score.test_set))


@torch.inference_mode()
def _score(name: str, dataset: MultiViewDataset, seen: Poses, settings: Triangulation) -> TriangulationScore:
    predicted, targets = [], []
    for indices in torch.arange(len(dataset)).split(BATCH):
        targets.append(dataset.batch(indices).joints_world()[:, 0, 0].double())
        batch = seen.batch(indices)
        assert batch.camera is not None
        weights = batch.certainty().double() if settings.use_confidence else None
        points = triangulate(batch.joints_2d.double(), batch.camera.to(torch.float64), weights, settings.reweightings)
        predicted.append(points[:, 0])
    points, target = torch.cat(predicted), torch.cat(targets)
    about_hip, about_target = points - points[:, :1], target - target[:, :1]
    return TriangulationScore(
        name, dataset.views, 1000 * mpjpe(about_hip, about_target), 1000 * p_mpjpe(about_hip, about_target),
        1000 * mpjpe(points, target), len(points),
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    settings = read_flags(Triangulation, "evaluation.triangulation", __doc__, arguments)
    check_can_write(settings.json, "--json")
    scores = run(settings)
    table: list[list[Any]] = [["test set", "views", "MPJPE (mm)", "P-MPJPE (mm)", "absolute (mm)", "poses"]]
    table += [
        [score.test_set, str(score.views), *(f"{error:.2f}" for error in (score.mpjpe, score.p_mpjpe, score.absolute)),
         f"{score.poses:,}"]
        for score in scores
    ]  # fmt: skip
    print(columns(table))
    if settings.json is not None:
        with atomic_write(settings.json) as part:
            part.write_text(json.dumps([asdict(score) for score in scores], indent=1, allow_nan=False) + "\n")
        print(settings.json)


if __name__ == "__main__":
    exit_with_one_sentence(main)
