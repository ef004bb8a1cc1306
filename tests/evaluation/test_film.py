"""Films: as many frames as the clip, in its own time, with the person in both panels."""

import os
import stat

import numpy as np
import pytest
from PIL import Image

from evaluation.drawing.colours import LEFT, RIGHT
from evaluation.predict import film
from evaluation.predict.lifted import LiftedClip
from kinematics import PoseFKError, Skeleton


@pytest.fixture
def clip():
    """A person of chance who walks to the right."""
    draw = np.random.default_rng(0)
    frames = 40
    joints = draw.uniform(-0.5, 0.5, (16, 3)) + [0, 0, 0.9] + np.linspace(0, 2.2, frames)[:, None, None] * [1, 0, 0]
    pixels = draw.uniform(200, 400, (16, 2)) + np.arange(frames)[:, None, None]
    body = Skeleton("h36m_16")
    return LiftedClip(
        joints - joints[:, :1], joints, pixels, np.ones((frames, 16)), np.arange(frames), np.zeros(frames, dtype=int),
        25.0, (640, 480), body, body,
    )  # fmt: skip


def _pictures(path):
    with Image.open(path) as gif:
        for frame in range(gif.n_frames):
            gif.seek(frame)
            yield np.asarray(gif.convert("RGB")).astype(int)


def _near(picture, colour):
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture - wanted).sum(axis=-1) < 60


def test_a_gif_has_the_clip_s_frames_and_time(clip, tmp_path):
    film.write_film(clip, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as gif:
        assert gif.size == (640, 344) and gif.n_frames == 40 and gif.info["duration"] == 40


def test_left_and_right_are_seen_in_both_panels_and_move(clip, tmp_path):
    film.write_film(clip, tmp_path / "film.gif", 5)
    pictures = list(_pictures(tmp_path / "film.gif"))
    for picture in pictures:
        for panel in (picture[:, :320], picture[:, 320:]):
            assert _near(panel, LEFT).sum() > 50 and _near(panel, RIGHT).sum() > 50
    assert (pictures[0][:, :320] != pictures[-1][:, :320]).any() and (
        pictures[0][:, 320:] != pictures[-1][:, 320:]
    ).any()


def test_long_clips_are_thinned_evenly_and_last_as_long(clip, tmp_path):
    film.write_film(clip, tmp_path / "film.gif", 10)
    with Image.open(tmp_path / "film.gif") as gif:
        assert gif.n_frames == 10 and gif.info["duration"] == 160


def test_a_floor_stands_still_under_a_person_who_travels():
    lines = [film._floor_lines(np.array([x, 0.3, 0.0])) + [x, 0.3, 0] for x in (0.0, 0.13, 7.62)]
    for grid in lines:
        constant = [line[0, axis] for line in grid for axis in (0, 1) if line[0, axis] == line[1, axis]]
        np.testing.assert_allclose(np.mod(np.array(constant) + 1e-9, film.LINE_SPACING_M), 0, atol=1e-6)
        assert (grid[..., 2] == 0).all()


def test_mp4_without_ffmpeg_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PoseFKError, match="--film mp4 needs ffmpeg.*choose --film gif"):
        film.check_film("mp4")
    film.check_film("gif")


def _fake_ffmpeg(folder, monkeypatch, script):
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_ffmpeg_gets_every_frame_whole(clip, tmp_path, monkeypatch):
    _fake_ffmpeg(tmp_path, monkeypatch, 'for last; do :; done; cat > "$last"')
    film.check_film("mp4")
    film.write_film(clip, tmp_path / "film.mp4", 7)
    assert (tmp_path / "film.mp4").stat().st_size == 7 * 640 * 344 * 3


def test_what_ffmpeg_says_is_handed_on(clip, tmp_path, monkeypatch):
    _fake_ffmpeg(tmp_path, monkeypatch, "echo 'Unknown encoder libx264' >&2; exit 1")
    with pytest.raises(PoseFKError, match="ffmpeg could not write film.mp4: Unknown encoder"):
        film.write_film(clip, tmp_path / "film.mp4", 7)
