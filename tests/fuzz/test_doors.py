"""A pickle that runs code, at every door through which one can come: nothing of it runs, and one sentence says so."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from torch import serialization

from tests.fuzz.campaign import Campaign
from tests.fuzz.judge import REFUSED

CODE = b"cos\nsystem\n(S'true'\ntR."
DOORS = {
    "h36m": ["data_3d_h36m.npz", "data_2d_h36m_cpn.npz"],
    "cmu_prepared": ["data_3d_cmu.npz", "excerpt.npz"],
    "mpi_test": ["test_set/test_3dhp.npz", "spin.npz"],
    "humaneva": ["data_3d_humaneva15.npz", "data_2d_humaneva15_gt.npz"],
    "three_dpw": ["3dpw/sequenceFiles/test/a_00.pkl", "test_set/test_3dpw.npz"],
    "aist": [f"aist_plusplus/keypoints{axes}d/gHO_sBM_cAll_d03_mHO5_ch01.pkl" for axes in (2, 3)],
    "keypoints": ["video.npz", "video.npy"],
    "exported": ["poseaug/poseaug.npz", "videopose3d/data_3d_h36m.npz", "videopose3d/data_2d_h36m_gt.npz"],
    "lifted": ["pose.npz"],
    "lifters": ["ours.pt", "old.pt", "original.bin"],
}


def _npy() -> bytes:
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + CODE


def with_code(file: str, raw: bytes) -> bytes:
    """The file with code in every pickle, and in place of every array."""
    if not zipfile.is_zipfile(io.BytesIO(raw)):
        before_1_6 = [serialization.MAGIC_NUMBER, serialization.PROTOCOL_VERSION, {"little_endian": True}]
        start = b"".join(pickle.dumps(part, 2) for part in before_1_6) if file.endswith(".pt") else b""
        return _npy() if file.endswith(".npy") else start + CODE
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            held = CODE if name.endswith("data.pkl") else _npy() if name.endswith(".npy") else old.read(name)
            new.writestr(name, held)
    return stream.getvalue()


@pytest.mark.parametrize("target", DOORS)
def test_code_in_a_pickle_is_refused_at_every_door(target: str, tmp_path: Path):
    campaign = Campaign(target, 0, tmp_path)
    for place, (file, raw) in enumerate(campaign.files.items()):
        if file in DOORS[target]:
            verdict = campaign.judge(bytes([place]) + with_code(file, raw))
            assert verdict.kind == REFUSED and "system" in verdict.words, (file, verdict)  # what runs is a finding
    assert set(DOORS[target]) <= set(campaign.files)
