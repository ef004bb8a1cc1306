from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from kinematics.errors import PoseFKError
from viewer import poster


def test_the_poster_shows_orange_and_blue_bones_in_every_row(tmp_path: Path):
    poster.main(["--out", str(tmp_path / "poster.png"), "--recipe", "range_of_motion", "--rows", "2"])
    pixels = matplotlib.image.imread(tmp_path / "poster.png")[..., :3]
    rows = np.array_split(pixels[60:], 4)
    for colour in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
        for row in rows:
            assert (np.abs(row - np.array(colour) / 255).max(axis=-1) < 0.02).sum() > 50


@pytest.mark.parametrize(
    "words, expected",
    [("--recipe rum", "choose from clipped_normal, range_of_motion, limb_swap"), ("--rows 0", "1 or")],
)
def test_bad_flags_are_one_sentence(words: str, expected: str, tmp_path: Path):
    with pytest.raises((PoseFKError, ValueError), match=expected):
        poster.main(["--out", str(tmp_path / "poster.png"), *words.split()])
    assert not list(tmp_path.iterdir())
