"""One target for every reader: the folder of its seeds, and the call that reads what was changed in it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from augment.detector_noise.model import DetectorNoise
from augment.export.records import read_identity, read_manifest, read_shard
from augment.stored import stored_augmenter, why_no_augmenter
from data import load_dataset, load_test_set
from data.cmu.archive import open_source
from data.cmu.prepared import read_clips
from data.files.download import _zip_damage
from data.h36m.sources import find_archive, find_features
from data.keypoints.clip import Hints
from data.keypoints.people import load_people
from data.mpi_inf_3dhp.official.test import read_official, read_spin
from data.mpi_inf_3dhp.official.train import read_sequence
from data.mpi_inf_3dhp.train_set import load_train_recordings
from data.recordings import DataSettings, Recording
from evaluation.predict.files.reading import load_clip
from evaluation.synthetic_quality.pose_sets.files import read_files
from kinematics import Skeleton
from posenets import load_lifter
from posenets.checkpoints.files import read_checkpoint
from tests.fuzz import seeds
from training.checkpoint import read_last


class Target(NamedTuple):
    """seeds: (folder) -> the files that may be changed. read: (folder, the changed file) -> anything.

    share: inputs in the tests' short slice; 0 where seeds take long to make.
    """

    seeds: Callable[[Path], list[str]]
    read: Callable[[Path, str], object]
    share: int = 100


class NotFinite(Exception):
    """NaN or infinity has come through."""


def _finite(recordings: list[Recording]) -> None:
    """Refuse to believe in numbers that a reader should have refused."""
    for recording in recordings:
        for view in recording.views:
            samples = recording.usable & view.is_present
            for values in (view.joints_3d, view.joints_2d, view.confidence):
                if values is not None and not np.isfinite(values[samples]).all():
                    raise NotFinite(f"{recording.subject} {recording.action} {values.dtype}")


def _finite_arrays(content: dict[str, object], name: str) -> None:
    if not all(np.isfinite(values).all() for values in content.values() if isinstance(values, np.ndarray)):
        raise NotFinite(name)


def _data_set(name: str, folder: Path, **settings: object) -> None:
    asked = DataSettings(dataset=name, data_root=str(folder), data_extra_root=str(folder), **settings)  # type: ignore[arg-type]
    splits = load_dataset(name, asked)
    _finite([*splits.train, *splits.validation, *(one for test in splits.tests.values() for one in test)])


def _test_set(name: str, folder: Path, frames: int = 1, **settings: object) -> None:
    asked = DataSettings(data_root=str(folder), data_extra_root=str(folder), **settings)  # type: ignore[arg-type]
    _finite(load_test_set(name, asked, frames))


def _h36m(folder: Path, name: str) -> None:
    _data_set("h36m", folder, num_joints=17, keypoints="cpn" if "2d" in name else "gt")


def _h36m_originals(folder: Path, name: str) -> None:
    suffix = name[len("S1/MyPoseFeatures/D3_Positions/Walking") :] if name.startswith("S1") else ""
    source = find_features(folder, suffix) if suffix else find_archive(folder / name)
    for recording in source.recordings:
        recording.positions()


def _capture(folder: Path, name: str) -> None:
    place = folder / "loose" if name.startswith("loose") else folder / name
    if name.endswith(".zip"):
        _zip_damage(place)
    with open_source(place, lambda clip: True) as source:
        for clip in source.motions:
            if not np.isfinite(source.read_clip(clip).joints).all():
                raise NotFinite(clip)


def _mpi_test(folder: Path, name: str) -> None:
    if name == "spin.npz":
        read_spin(folder / name)
    elif name.endswith(".mat"):
        read_official(folder)
    else:
        _test_set("3dhp", folder, 3)
        _test_set("3dhp_sparse", folder)


def _mpi_train(folder: Path, name: str) -> None:
    if name.startswith("S1"):
        _finite([read_sequence(folder / "S1/Seq1", "S1 Seq1")])
    else:
        _finite(load_train_recordings(DataSettings(data_root=str(folder), num_joints=17)))


def _humaneva(folder: Path, name: str) -> None:
    _data_set("humaneva", folder, num_joints=15, keypoints="detectron_pt_coco" if "detectron" in name else "gt")


def _three_dpw(folder: Path, name: str) -> None:
    _test_set("3dpw_poseaug" if name.endswith("npz") else "3dpw_detected", folder)


def _aist(folder: Path, name: str) -> None:
    _test_set("aistx", folder)


def _keypoints(folder: Path, name: str) -> None:
    place = folder / "openpose" if name.startswith("openpose") else folder / name
    hints = Hints(size=(1000, 800), layout="coco_17" if name.endswith((".npy", ".csv")) else None)
    people = load_people(place, hints)
    for track in people.tracks:
        for piece in people.pieces(track, Skeleton("h36m_16"))[0]:
            _finite_arrays(vars(piece), name)


def _exported(folder: Path, name: str) -> None:
    readers = {"export.json": read_identity, "manifest.json": read_manifest, "shard.json": read_shard}
    place = folder / name
    if place.name in readers:
        readers[place.name](place)
    data = [file for file in place.parent.iterdir() if file.suffix in (".h5", ".npz") and "2d" not in file.name]
    read_files(data[0], 8, torch.Generator().manual_seed(0))  # what is not finite is refused by the set's check


def _lifters(folder: Path, name: str) -> None:
    lifter = load_lifter(folder / name, "videopose" if name == "original.bin" else None)
    if not all(torch.isfinite(weights).all() for weights in lifter.state_dict().values()):
        raise NotFinite(name)


def _run_states(folder: Path, name: str) -> None:
    content = read_checkpoint(folder / name)
    if why_no_augmenter(content) is None:
        stored_augmenter(content, folder / name)
    read_last(folder / name)


TARGETS = {
    "h36m": Target(seeds.h36m, _h36m),
    "h36m_originals": Target(seeds.h36m_originals, _h36m_originals),
    "cmu_prepared": Target(seeds.cmu_prepared, lambda folder, name: read_clips(folder / name)),
    "capture": Target(seeds.capture, _capture),
    "mpi_test": Target(seeds.mpi_test, _mpi_test),
    "mpi_train": Target(seeds.mpi_train, _mpi_train, share=30),
    "ski": Target(seeds.ski, lambda folder, name: _data_set("ski", folder, num_joints=17), share=30),
    "humaneva": Target(seeds.humaneva, _humaneva, share=120),
    "three_dpw": Target(seeds.three_dpw, _three_dpw, share=50),
    "aist": Target(seeds.aist, _aist, share=50),
    "keypoints": Target(seeds.keypoints, _keypoints),
    "exported": Target(seeds.exported, _exported),
    "lifted": Target(seeds.lifted, lambda folder, name: _finite_arrays(vars(load_clip(folder / name)), name), share=50),
    "detector_noise": Target(seeds.detector_noise, lambda folder, name: DetectorNoise.load(folder / name)),
    "lifters": Target(seeds.lifters, _lifters, share=50),
    "run_states": Target(seeds.run_states, _run_states, share=0),
}
