"""Files <-> PoseBatch. One module per data set; what they share is Recording, PoseDataset and PoseBatch."""

from collections.abc import Callable

import kinematics.early_stop  # noqa: F401 before what takes time
from data.batch import REAL as REAL
from data.batch import SYNTHETIC as SYNTHETIC
from data.batch import PoseBatch as PoseBatch
from data.cmu.splits import CMU
from data.data_source import DataSource as DataSource
from data.data_source import choose
from data.dataset import PoseDataset as PoseDataset
from data.domains.aistx import AISTX
from data.domains.humaneva import HUMANEVA
from data.domains.three_dpw import THREE_DPW
from data.h36m.recordings import H36M
from data.mpi_inf_3dhp.train_set import MPI_INF_3DHP
from data.multiview.checks import check_recordings
from data.multiview.ski_pose import SKI
from data.recordings import DataSettings as DataSettings
from data.recordings import DataSplits as DataSplits
from data.recordings import Recording as Recording
from data.recordings import View as View
from data.recordings import check_images
from data.recordings import view_from_world as view_from_world

DATA_SOURCES: dict[str, DataSource] = {
    "cmu": CMU, "h36m": H36M, "mpi_inf_3dhp": MPI_INF_3DHP, "ski": SKI, "humaneva": HUMANEVA,
    "3dpw": THREE_DPW, "aistx": AISTX,
}  # fmt: skip


def register_dataset(name: str, source: DataSource) -> None:
    """Make a data set known as `--dataset name`: the one line of a plugin module."""
    taken = {*DATA_SOURCES, *all_test_sets()} & {name, *source.test_sets, *source.standalone_test_sets}
    if taken:
        raise ValueError(f"Data set {name!r}: {', '.join(sorted(taken))} is registered already, choose another name.")
    DATA_SOURCES[name] = source


def standalone_test_sets() -> list[str]:
    """Names of the test sets that belong to no data set's splits."""
    return [name for source in DATA_SOURCES.values() for name in source.standalone_test_sets]


def all_test_sets() -> list[str]:
    """Names of all test sets, those that belong to no data set's splits last."""
    return [name for source in DATA_SOURCES.values() for name in source.test_sets] + standalone_test_sets()


def load_dataset(name: str, settings: DataSettings) -> DataSplits:
    """Training, validation and test recordings of a data set.

    For lifters of several views (settings.views) every recording has at least so many, and they are checked against
    each other.
    """
    return _checked(name, settings, DATA_SOURCES[choose("Data set", [name], DATA_SOURCES)[0]].load)


def _checked(name: str, settings: DataSettings, load: Callable[[DataSettings], DataSplits]) -> DataSplits:
    source = DATA_SOURCES[name]
    if not 1 <= settings.views <= source.views:
        raise ValueError(
            f"views is {settings.views}, but {name} has {source.views} cameras that see a pose at once: ask for 1 "
            f"to {source.views}, or choose another data set."
        )
    splits = load(settings)
    for recordings in (splits.train, splits.validation, *splits.tests.values(), *splits.more_tests.values()):
        check_images(recordings)
        if settings.views > 1:
            check_recordings(recordings, settings.views)
    return splits


def load_test_set(
    name: str, settings: DataSettings, frames: int = 1, notes: list[str] | None = None
) -> list[Recording]:
    """Recordings of one test set.

    frames: window of the lifter that will read them; notes: receives what loading has to tell.
    """
    choose("Test set", [name], all_test_sets())
    owners = {test_set: dataset for dataset, source in DATA_SOURCES.items() for test_set in source.test_sets}
    if name in owners:
        source = DATA_SOURCES[owners[name]]
        alone = source.load_test
        load = source.load if alone is None else lambda asked: alone(asked, name, frames)
        splits = _checked(owners[name], settings, load)
        if notes is not None:
            notes.extend(splits.notes)
        return (splits.tests | splits.more_tests)[name]
    if settings.views > 1:
        raise ValueError(
            f"Test set {name} shows one view, {settings.views} are asked for: choose one of {', '.join(owners)}."
        )
    loaders = {test_set: load for source in DATA_SOURCES.values() for test_set, load in
               source.standalone_test_sets.items()}  # fmt: skip
    recordings = loaders[name](settings, name, frames)
    check_images(recordings)
    return recordings
