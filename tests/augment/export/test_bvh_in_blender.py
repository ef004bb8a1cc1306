"""BVH exports in Blender itself, where there is one: pip install bpy, or BLENDER_PYTHON=the python that has it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from augment.export import __main__ as export
from data.files.bvh.reader import joint_origins, parse_bvh
from tests.tiny_cmu import FLAGS

PYTHON = os.environ.get("BLENDER_PYTHON", "")
NO_BLENDER = "Blender is not there: pip install bpy, or name a python that has it in BLENDER_PYTHON"


@pytest.mark.skipif(not PYTHON and importlib.util.find_spec("bpy") is None, reason=NO_BLENDER)
def test_blender_shows_clips_in_metres_upright_and_at_their_speed(tmp_path: Path):
    flags = f"{FLAGS} --recipe limb_swap --frames 9 --num_poses 1 --format bvh --layout h36m_16"
    export.main([*flags.split(), "--out", str(tmp_path / "clips")])
    (path,) = (tmp_path / "clips" / "bvh").glob("*.bvh")
    importer = Path(__file__).with_name("blender_import.py")
    done = subprocess.run([PYTHON or sys.executable, importer, path, "9"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    shown = json.loads(done.stdout.splitlines()[-1])
    motion = parse_bvh(path.read_text(), path.name)
    assert shown["fps"] == pytest.approx(motion.fps)
    ours = joint_origins(motion)
    for name, places in shown["heads"].items():
        x, y, z = np.moveaxis(ours[name], -1, 0)  # y up, -z forward in the file; z up in Blender
        np.testing.assert_allclose(np.array(places), np.stack([x, -z, y], axis=-1), atol=1e-5)
    assert 0.3 < np.array(shown["heads"]["Hips"])[:, 2].mean() < 1.3
