"""Poses to augment, made on the spot: no data set needed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.cameras import wide_rigs
from augment.export import __main__ as export
from augment.visible import project_to_batch
from data.batch import REAL, PoseBatch
from data.h36m.cameras import H36M_CAMERAS
from data.recordings import Recording, view_from_world
from tests.tiny_cmu import ROOT

ORACLE = Path(__file__).parents[1] / "oracles" / "gan_dhaug.npz"


@pytest.fixture(scope="session")
def motion() -> Callable[..., Recording]:
    """(frames, seed, cameras) -> somebody of chance who drifts along, seen by Human3.6M's cameras of S1."""

    def make(frames: int, seed: int, cameras: int = 2) -> Recording:
        rng = np.random.default_rng(seed)
        body = rng.normal(size=(1, 16, 3)) * 0.3 + [0, 0, 1]
        joints_world = (body + np.linspace(0, 0.3, frames)[:, None, None]).astype(np.float32)
        views = tuple(view_from_world(joints_world, H36M_CAMERAS["S1"][i], f"c{i}") for i in range(cameras))
        return Recording("S1", "Walking", views, 25.0, np.ones(frames, dtype=bool))

    return make


@pytest.fixture
def rigged(people: PoseBatch) -> Callable[..., PoseBatch]:
    """(views, frames) -> the people in front of a rig of wide cameras each; clips drift by a centimetre a frame."""

    def make(views: int, frames: int = 1) -> PoseBatch:
        drift = 0.01 * torch.arange(frames)[:, None, None] * torch.tensor([1.0, 0.0, 0.0])
        joints = people.joints_world() + drift
        batch = project_to_batch(joints, wide_rigs(joints[:, 0, 0], views, torch.Generator().manual_seed(5)))
        batch.source.fill_(REAL)
        return batch

    return make


@pytest.fixture
def people(people_of: Callable[..., PoseBatch]) -> PoseBatch:
    return people_of(200)


@pytest.fixture(scope="session")
def oracle() -> dict[str, torch.Tensor]:
    """DH-AUG's generator, 2D critic and KCS features: arrays by path, state_dict entries under <net>/state_dict/."""
    with np.load(ORACLE) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def state_dict_of(oracle: dict[str, torch.Tensor], net: str) -> dict[str, torch.Tensor]:
    prefix = f"{net}/state_dict/"
    return {name.removeprefix(prefix): array for name, array in oracle.items() if name.startswith(prefix)}


@pytest.fixture(scope="session")
def oracle_state_dict(oracle: dict[str, torch.Tensor]):
    return lambda net: state_dict_of(oracle, net)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], Path]]:
    """(folder, flags) -> the folder. Runs the export command in this process, in small blocks, with few real poses."""
    monkeypatch.setattr(export, "FRAMES_PER_CHUNK", 64)
    threads = torch.get_num_threads()

    def run(folder: Path, words: str) -> Path:
        flags = words if "--data_root" in words else f"--data_root {ROOT} {words}"
        export.main(f"--out {folder} {flags}".split())
        return folder

    yield run
    torch.set_num_threads(threads)  # the command computes on one
