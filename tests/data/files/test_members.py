"""Prepared files in which something is of another kind: one sentence wherever it stands, and never a traceback."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import cmu
from data.h36m import recordings as h36m
from data.h36m.keypoints import Keypoints2D
from data.mpi_inf_3dhp import test_set as test_set_3dhp
from data.mpi_inf_3dhp import train_set as train_set_3dhp
from data.mpi_inf_3dhp.official.test import SEQUENCES, read_spin
from data.recordings import DataSettings
from prepare_data_3dhp import main as prepare_3dhp

CASES = Path(__file__).parents[4] / "shared" / "cases"
JUNK = [
    None, 0, 2**63, "", "x" * 300, b"S1", [], {}, (), [1, [2]], {1: 2}, {"a": {"b": 1}}, float("nan"),
    np.zeros(0), np.array(1.0), np.array("a"), np.array(["a", "b"]), np.ones((3, 17, 3)), np.ones((0, 17, 3)),
    np.full((4, 17, 2), np.nan), np.ones((4, 17, 2), bool), np.array([1, None, "a"], dtype=object),
    [np.ones((4, 17, 2))] * 3, [np.ones((n, 17, 2)) for n in range(4)], np.array([-1, 2**62]), np.array([""]),
]  # fmt: skip


def places(node: Any, at: tuple = ()) -> Iterator[tuple]:
    """Where something stands in dictionaries and lists; a few of each list."""
    if at:
        yield at
    for key in list(node) if isinstance(node, dict) else range(min(len(node), 2)) if isinstance(node, list) else ():
        yield from places(node[key], (*at, key))


def spoiled(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Copies in which one thing is junk, is gone, or has a name of another kind."""
    for at in places(content):
        for change in (*JUNK, "gone", "renamed"):
            found = copy.deepcopy(content)
            holder = found
            for key in at[:-1]:
                holder = holder[key]
            if isinstance(change, str) and change in ("gone", "renamed") and isinstance(holder, dict):
                value = holder.pop(at[-1])
                if change == "renamed" and len(at) > 1:
                    holder[(1, "b")] = value
            else:
                holder[at[-1]] = change
            yield found


def save(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {}
    for name, value in content.items():
        members[name] = value if isinstance(value, np.ndarray) else np.empty((), dtype=object)
        if not isinstance(value, np.ndarray):
            members[name][()] = value
    np.savez(path, **members)


def check_every_spoiled(path: Path, content: dict[str, Any], read: Callable[[], object]) -> None:
    save(path, content)
    read()
    for number, changed in enumerate(spoiled(content)):
        if number % 3 == 0:
            save(path, changed)
            with contextlib.suppress(ValueError, FileNotFoundError):
                read()


def test_human36m(h36m_poses: Callable, tmp_path: Path) -> None:
    poses = {
        recording: (h36m_poses(9, 1.0, seed=i) / 1000).astype("f4")
        for i, recording in enumerate(("Walking", "Sitting 1"))
    }
    path = tmp_path / h36m.FILE_NAME
    check_every_spoiled(path, {"positions_3d": {"S1": poses, "S9": poses}}, lambda: h36m.read_prepared(tmp_path))

    def screens() -> None:
        keypoints = Keypoints2D(tmp_path / "data_2d_h36m_x.npz")
        for subject, recordings in keypoints.positions.items():
            for recording in recordings:
                keypoints.screen(subject, recording, "h36m_17", 9)

    pixels = [np.full((9, 17, 2), 500.0 + i) for i in range(4)]
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[4, 5], [1, 2]]}
    content = {"positions_2d": {"S1": {"Walking": pixels}}, "metadata": metadata}
    check_every_spoiled(tmp_path / "data_2d_h36m_x.npz", content, screens)


def test_cmu(prepared: Path, tmp_path: Path) -> None:
    with np.load(prepared / cmu.FILE_NAME) as file:
        content = dict(file)
    settings = DataSettings(dataset="cmu", data_root=str(tmp_path))
    check_every_spoiled(tmp_path / cmu.FILE_NAME, content, lambda: cmu.read_prepared(settings.data_root))


def test_3dhp(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    poses = draw.normal(0, 0.2, (12, 17, 3))
    poses[:, [2, 9]] = poses[:, [1, 8]] + [0, 0.44, 0]  # thighs in both orders
    labels = np.repeat(SEQUENCES, 2)
    video = {"video17_3d": poses, "video17_2d": poses[..., :2], "video_sequence": labels, "video_activity": labels,
             "video_valid": np.ones(12, bool)}  # fmt: skip
    scored = {"pose3d": poses[:, :16], "pose2d": poses[:, :16, :2], "sequence": labels, "activity": labels}
    settings = DataSettings(data_root=str(tmp_path), data_extra_root=str(tmp_path))
    path = tmp_path / test_set_3dhp.TEST_FILE
    for content in (video, scored):
        check_every_spoiled(path, content, lambda: test_set_3dhp.load_test_set(settings))
    views = {f"S1/Seq1/{name}": np.tile(draw.normal(size=size), (2,) + (1,) * len(size)).astype("f4")
             for name, size in {"translation": (3,), "intrinsics": (9,), "aspect": ()}.items()}  # fmt: skip
    views |= {"S1/Seq1/orientation_wxyz": np.array([[1, 0, 0, 0]] * 2, "f4"), "sequences": np.array(["S1 Seq1"]),
              "camera_names": np.array(["0", "1"]), "S1/Seq1/joints_3d": np.stack([poses + [0, 0, 4]] * 2),
              "S1/Seq1/joints_2d": np.stack([poses[..., :2]] * 2)}  # fmt: skip
    views |= {
        "S1/Seq1/intrinsics": np.array([[2, 2, 0, 0, 0, 0, 0, 0, 0]] * 2, "f4"),
        "S1/Seq1/aspect": np.ones(2, "f4"),
    }
    path = tmp_path / train_set_3dhp.TRAIN_FILE
    check_every_spoiled(path, views, lambda: train_set_3dhp.load_train_recordings(settings))
    names = np.array([f"{name}/imageSequence/img_{i:06d}.jpg" for i, name in enumerate(labels)])
    whole = {"imgname": names, "part": draw.uniform(100, 900, (12, 24, 3)), "S": np.ones((12, 24, 4))}
    whole["S"][..., :3], whole["S"][:, 1, :3], whole["S"][:, 2, :3] = (
        draw.normal(0, 0.2, (12, 24, 3)),
        0.0,
        [0, 0.44, 0],
    )
    check_every_spoiled(tmp_path / "spin.npz", whole, lambda: read_spin(tmp_path / "spin.npz"))


@pytest.mark.parametrize("what", ["17", "24"])
def test_the_collected_cases_are_refused(what: str, tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("no collected cases beside this checkout")
    with pytest.raises(ValueError, match=r"\.npz"):
        if what == "17":
            h36m.read_prepared(CASES / "broken/17/11")
        else:
            prepare_3dhp(["--source", str(CASES / "broken/24/24/s.npz"), "--data_extra_root", str(tmp_path)])
