"""An export format of one file outside the package: the real command writes it, and pose sets are read back from it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from augment.export import __main__ as export
from augment.export.formats import FORMATS
from data.plugins import load_plugins
from evaluation.synthetic_quality.pose_sets.files import read_files

ROOT = Path(__file__).parents[2]
PLUGIN = '''
import numpy as np
import torch

from augment.export.formats import Format, Reader, register_format
from augment.export.formats.stored_clips import StoredClips, draw_indices


def write(chunks, shard):
    """A pose a line: x y z of 16 joints, metres, world."""
    lines = np.concatenate([chunk.joints_world.reshape(len(chunk), -1) for chunk in chunks])
    np.savetxt(shard.folder / "poses.txt", lines, "%.4f")
    return ["poses.txt"]


def size(shard, kept):
    return shard.poses * 8 * 3 * shard.layout.num_joints


def read(path, frames, clips, generator):
    joints = torch.from_numpy(np.loadtxt(path, np.float32)).reshape(-1, frames, 16, 3)
    return StoredClips(joints[draw_indices(len(joints), clips, generator)], True, len(joints))


register_format("toy", Format(write, size, ("h36m_16",), "poses.txt: a pose a line", reader=Reader(read, "poses.txt")))
'''


def test_a_format_of_a_plugin_is_written_by_the_command_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plugin, out = tmp_path / "toy.py", tmp_path / "out"
    plugin.write_text(PLUGIN)
    words = ["--plugins", str(plugin), "--format", "toy", "--num_poses", "120", "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "augment.export", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((out / "poses.txt").read_text().splitlines()) == 120
    assert json.loads((out / "manifest.json").read_text())["format"] == "toy"
    assert "poses.txt: a pose a line" in (out / "README.md").read_text()
    monkeypatch.setitem(FORMATS, "toy", FORMATS["hdf5"])  # so that it is taken out again at the end
    del FORMATS["toy"]
    load_plugins([str(plugin)])
    poses = read_files(out, 120, torch.Generator().manual_seed(0)).check()
    assert poses.joints.shape == (120, 16, 3) and poses.upright and poses.total == 120


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path: Path, refusal_of: Callable[..., str]):
    said = refusal_of(export.main, ["--format", "tyo", "--out", str(tmp_path / "out")])
    assert "--format tyo: choose from videopose3d, poseaug" in said
