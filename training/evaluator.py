"""The test sets of a run, and what a lifter scores on them after an epoch."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch

from data import DATA_SOURCES, DataSplits, Recording, load_test_set
from data.distributed import ALONE, Processes
from data.mpi_inf_3dhp.test_set import SPARSE, TEST_FILE, VIDEO, has_video
from data.multiview.dataset import Poses
from evaluation import EvaluationResult, protocols_for, score
from evaluation.evaluate import StoppedError, check_fits, columns_of, dataset_for, noisy, predict_dataset
from evaluation.notes import clip_notes, notes_on_test_set
from posenets import Lifter
from training.config import Settings
from training.reporting.log import VALIDATION, Result


def test_set_names(settings: Settings, default: Iterable[str], frames: int) -> tuple[str, ...]:
    """Name the test sets: those asked for, or the data set's and, for one view, 3DHP's. frames: the lifter's window."""
    if settings.output.test_sets:
        return settings.output.test_sets
    prepared = (Path(settings.data.data_extra_root) / TEST_FILE).is_file()
    if settings.data.views > 1 or not prepared:
        return tuple(default)
    if frames == 1:
        return (*default, VIDEO)
    return (*default, *((VIDEO,) if has_video(settings.data) else ()), SPARSE)


def load_test_recordings(settings: Settings, splits: DataSplits) -> dict[str, list[Recording]]:
    """Load the validation recordings, which choose, then those of each test set."""
    recordings = {VALIDATION: splits.validation} if splits.validation else {}
    tests = splits.tests | splits.more_tests
    for name in test_set_names(settings, splits.tests, settings.lifter.window):
        if name in DATA_SOURCES[settings.data.dataset].test_sets and name not in tests:
            raise ValueError(f"--test_sets {name}: the subjects and actions asked for leave no recording of it.")
        recordings[name] = tests[name] if name in tests else load_test_set(name, settings.data, settings.lifter.window)
    return recordings


class Evaluator:
    """Evaluates lifters on all test sets. predictions: of the last evaluation; noise: of a detector on the sets."""

    def __init__(
        self, recordings: Mapping[str, list[Recording]], lifter: Lifter, device: torch.device, flip: bool,
        noise: str = "none",
    ) -> None:  # fmt: skip
        self.datasets = {
            name: noisy(dataset_for(lifter, of_set, device), noise, name, lifter.input_skeleton)
            for name, of_set in recordings.items()
        }  # fmt: skip
        for dataset in self.datasets.values():
            check_fits(lifter, dataset)  # now, not after the first epoch
        self.flip = flip
        self.predictions: dict[str, EvaluationResult] = {}

    def notes(self, lifter: Lifter, training: Poses) -> list[str]:
        """Collect notes on the clips and the confidences of the training poses and the test sets."""
        notes = clip_notes("training", training, lifter)
        for name, dataset in self.datasets.items():
            notes += notes_on_test_set(name, dataset, lifter)
        return notes

    def evaluate(
        self, lifter: Lifter, epoch: int, phase: str, stopping: Callable[[], bool] = lambda: False,
        processes: Processes = ALONE,
    ) -> list[Result] | None:  # fmt: skip
        """Return a result line per test set and protocol. stopping: asked before every batch; None once it says yes.

        processes: evaluate together, each a part of every test set.
        """
        lines = []
        try:
            for test_set, dataset in self.datasets.items():
                for name, known in columns_of(lifter, dataset, test_set).items():
                    result = predict_dataset(
                        lifter, dataset, self.flip, known_focal=known, processes=processes, stopping=stopping
                    )
                    self.predictions[name] = result
                    for protocol in protocols_for(test_set, lifter.skeleton):
                        lines.append(score(result, protocol).result_line(name, epoch, phase))
        except StoppedError:
            return None
        return lines
