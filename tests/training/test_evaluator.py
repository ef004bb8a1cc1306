"""Which test sets a run is judged on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data import DataSettings
from training.config import LifterSettings, OutputSettings, Settings
from training.evaluator import test_set_names as names_of  # pytest would collect it under its own name


def prepared(folder: Path, video: bool) -> DataSettings:
    (folder / "test_set").mkdir()
    content = {"pose3d": np.zeros((1, 16, 3))} | ({"video_valid": np.ones(1, dtype=bool)} if video else {})
    np.savez(folder / "test_set/test_3dhp.npz", **content)  # type: ignore[arg-type]
    return DataSettings(dataset="cmu", data_extra_root=str(folder))


@pytest.mark.parametrize(
    "frames, video, expected",
    [
        (1, False, ("cmux2_a", "3dhp")),
        (1, True, ("cmux2_a", "3dhp")),
        (27, False, ("cmux2_a", "3dhp_sparse")),
        (27, True, ("cmux2_a", "3dhp", "3dhp_sparse")),
    ],
)
def test_several_frames_are_judged_on_video_where_it_is_and_on_the_family_s_windows(
    frames: int, video: bool, expected: tuple[str, ...], tmp_path: Path
):
    settings = Settings(data=prepared(tmp_path, video), lifter=LifterSettings(frames=frames))
    assert names_of(settings, ("cmux2_a",), frames) == expected


def test_several_views_are_judged_on_the_data_set_s_own_tests(tmp_path: Path):
    data = replace(prepared(tmp_path, True), views=4)
    assert names_of(Settings(data=data, lifter=LifterSettings(frames=27)), ("cmux2_a",), 27) == ("cmux2_a",)


def test_3dhp_is_left_out_where_it_is_not_prepared_and_asked_for_names_win(tmp_path: Path):
    settings = Settings(data=DataSettings(dataset="cmu", data_extra_root=str(tmp_path)))
    assert names_of(settings, ("cmux2_a",), 27) == ("cmux2_a",)
    settings.output = OutputSettings(test_sets=("3dhp",))
    assert names_of(settings, ("cmux2_a",), 27) == ("3dhp",)
