"""Files <-> PoseBatch. One module per data set; what they share is Take, PoseDataset and PoseBatch."""

import difflib
import importlib

from data.batch import REAL as REAL
from data.batch import SYNTHETIC as SYNTHETIC
from data.batch import PoseBatch as PoseBatch
from data.dataset import PoseDataset as PoseDataset
from data.multiview.checks import check_recordings
from data.recordings import DataSettings as DataSettings
from data.recordings import DataSplits as DataSplits
from data.recordings import Recording as Recording
from data.recordings import View as View
from data.recordings import check_images
from data.recordings import view_from_world as view_from_world

# data set -> the module whose load() makes its splits; the cameras that see a pose at once, at most; its test sets
DATASETS = {
    "demo": "data.demo",
    "cmu": "data.cmu",
    "h36m": "data.h36m.recordings",
    "mpi_inf_3dhp": "data.mpi_inf_3dhp.train_set",
    "ski": "data.multiview.ski_pose",
}
MOST_VIEWS = {"demo": 4, "cmu": 4, "h36m": 4, "mpi_inf_3dhp": 8, "ski": 6}
TEST_SETS = {
    "demo": ("demo", "demo_shifted"),
    "cmu": ("cmux_a", "cmux_b"),
    "h36m": ("h36m",),
    "mpi_inf_3dhp": ("3dhp_s8",),
    "ski": ("ski",),
}
STANDALONE_TEST_SETS = {"3dhp": "data.mpi_inf_3dhp.test_set", "3dhp_sparse": "data.mpi_inf_3dhp.test_set"}


def _choose(kind: str, name: str, known: list[str]) -> str:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Perhaps you meant: {near[0]}" if near else ""
        raise ValueError(f"{kind} {name!r} is not known: choose from {', '.join(known)}.{hint}")
    return name


def load_dataset(name: str, settings: DataSettings) -> DataSplits:
    """Training, validation and test takes of a data set: demo, cmu, h36m, mpi_inf_3dhp or ski.

    For lifters of several views (settings.views) every take has at least so many, and what they see of it is checked.
    """
    module = importlib.import_module(DATASETS[_choose("Data set", name, list(DATASETS))])
    if not 1 <= settings.views <= MOST_VIEWS[name]:
        raise ValueError(
            f"views is {settings.views}, but {name} has {MOST_VIEWS[name]} cameras that see a pose at once: ask for 1 "
            f"to {MOST_VIEWS[name]}, or choose another data set."
        )
    splits = module.load(settings)
    for recordings in (splits.train, splits.validation, *splits.tests.values()):
        check_images(recordings)
    if settings.views > 1:
        for recordings in (splits.train, splits.validation, *splits.tests.values()):
            check_recordings(recordings, settings.views)
    return splits


def load_test_set(
    name: str, settings: DataSettings, frames: int = 1, notes: list[str] | None = None
) -> list[Recording]:  # fmt: skip
    """The takes of one test set: those of TEST_SETS, 3dhp or 3dhp_sparse.

    frames: window of the lifter that will read them; notes: gets what loading tells.
    """
    owner = {test: dataset for dataset, tests in TEST_SETS.items() for test in tests}
    _choose("Test set", name, [*owner, *STANDALONE_TEST_SETS])
    if name in STANDALONE_TEST_SETS:
        if settings.views > 1:
            raise ValueError(
                f"Test set {name} shows every pose to one camera, {settings.views} views are asked for: take one of "
                f"{', '.join(owner)}."
            )
        recordings = importlib.import_module(STANDALONE_TEST_SETS[name]).load_test_set(settings, name, frames)
        check_images(recordings)
        return recordings
    splits = load_dataset(owner[name], settings)
    if notes is not None:
        notes.extend(splits.notes)
    return splits.tests[name]
