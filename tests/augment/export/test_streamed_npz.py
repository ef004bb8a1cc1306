import zipfile
from pathlib import Path

import numpy as np

from augment.export.formats.chunk import object_array
from augment.export.formats.streamed_npz import TakesMember
from data.files.npz import load_npz_restricted


def test_a_dictionary_written_take_by_take_is_read_as_one_that_was_saved_whole(tmp_path: Path):
    random = np.random.default_rng(0)
    recordings = {
        "S1": {"Walk 1": random.normal(size=(20_000, 3)), "Walk 2": random.normal(size=(2, 3)).astype(np.float32)},
        "S5": {},
        "S6": {"Sit": [random.normal(size=(4, 2)), np.asfortranarray(random.normal(size=(3, 2)))]},
        "S7": {"Wave": {"aspect": np.ones(2), "name": "wide"}},
        "S8": {},
    }
    with (
        zipfile.ZipFile(tmp_path / "streamed.npz", "w") as archive,
        TakesMember(archive, "takes", [*recordings]) as member,
    ):
        for subject, own in recordings.items():
            for name, value in own.items():
                member.add(subject, name, value)
    np.savez(tmp_path / "whole.npz", takes=object_array(recordings))
    read = [load_npz_restricted(tmp_path / name)["takes"] for name in ("streamed.npz", "whole.npz")]
    with np.load(tmp_path / "streamed.npz", allow_pickle=True) as file:
        read.append(file["takes"].item())
    for found in read:
        assert [*found] == [*recordings]
        np.testing.assert_equal(found, recordings)
