"""The page of lifted clips."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import viser

from evaluation.predict.files.angles import write_angles
from evaluation.predict.files.arrays import write_npz
from kinematics import PoseFKError, Skeleton
from tests.lifted_clips import SIZE, made_clip
from tests.viewer.test_command import running
from viewer import __main__ as command
from viewer import app
from viewer.clip import SHADED_SD, Person, stand_together, window_of
from viewer.settings import check_clips


def lifted(folder: Path, **people) -> Path:
    for name, clip in people.items():
        (folder / name).mkdir(parents=True)
        write_npz(clip, folder / name)
    return folder


def test_a_person_is_where_the_file_s_frame_numbers_say():
    person = Person(made_clip(8, first=30, cut=5))
    numbers = [30, 31, 32, 33, 34, 45, 46, 47]
    assert [person.row_of(number) for number in numbers] == list(range(8))
    assert [person.row_of(number) for number in (0, 29, 35, 40, 48)] == [None] * 5
    assert person.sentence(5) == "frame 45 of the file, piece 2 of 2"


def test_people_stand_together_where_one_camera_has_placed_them():
    placed, other = made_clip(camera=True), made_clip(camera=True, seed=1)
    assert stand_together([placed, other])
    assert not stand_together([placed])
    for odd in (made_clip(), replace(other, fps=30.0), replace(other, image_size=(640, 360))):
        assert not stand_together([placed, odd])


def test_the_window_is_where_people_move_in_the_shape_of_the_image():
    people = [Person(made_clip(seed=seed)) for seed in (0, 1)]
    aspect = SIZE[1] / SIZE[0]
    window = window_of(people, aspect)
    assert window is not None and window.half_width < 0.6
    corner = np.array([window.left, window.top])
    for person in people:
        assert (corner < person.screen).all()
        assert (corner + 2 * window.half_width * np.array([1, aspect]) > person.screen).all()
    people[0].box = np.array([-1.0, -0.7]), np.array([0.9, 0.7])
    assert window_of(people, aspect) is None


def test_the_page_comes_first_and_plays_everybody_before_one_camera(tmp_path):
    people = {"person_1": made_clip(8, camera=True), "person_2": made_clip(4, first=6, camera=True, seed=1)}
    with running(clip=lifted(tmp_path / "lifted", **people)) as viewer:
        assert viewer.pages.names[0] == "Clip"
        page, _ = viewer.pages._pages["Clip"]
        viewer.pages.redrawing.stop()
        figures = list(page._figures.values())
        for row, second in ((0, False), (6, True)):
            page.player._slider.value = row
            page.draw()
            assert [figure._joints.visible for figure in figures] == [True, second]
            np.testing.assert_allclose(figures[0]._joints.batched_positions, people["person_1"].joints_world[row])
        np.testing.assert_allclose(figures[1]._joints.batched_positions, people["person_2"].joints_world[0])
        assert page.player._slider.visible
        page._together.value = False
        page.draw()
        assert [figure._joints.visible for figure in figures] == [True, False]


def test_a_single_clip_plays_and_its_table_is_the_command_s(tmp_path):
    clip = made_clip(8, cut=5)
    with running(clip=lifted(tmp_path, lifted=clip) / "lifted") as viewer:
        page, _ = viewer.pages._pages["Clip"]
        viewer.pages.redrawing.stop()
        page.draw()
        assert page.player._slider.visible and page.player._slider.max == 7
        sent = []
        browser = SimpleNamespace(send_file_download=lambda *parts, **_: sent.append(parts))
        page._angles._save(viser.GuiEvent(client=browser, client_id=0, target=None))  # type: ignore[arg-type]
    write_angles(clip, tmp_path)
    assert sent == [("angles.csv", (tmp_path / "angles.csv").read_bytes())]


def test_standard_deviations_are_shaded_along_the_world_s_axes(tmp_path):
    clip = made_clip(4)
    sure = replace(clip, joints_sd=np.abs(np.random.default_rng(0).normal(0.1, 0.01, clip.joints_3d.shape)))
    with running(clip=lifted(tmp_path, lifted=sure) / "lifted") as viewer:
        page, _ = viewer.pages._pages["Clip"]
        viewer.pages.redrawing.stop()
        page.draw()
        (figure,) = page._figures.values()
        scales = figure._shades.batched_scales
        for world, camera in enumerate((0, 2, 1)):  # right, forward, down of a level camera
            np.testing.assert_allclose(scales[:, world], SHADED_SD * sure.joints_sd[0, :, camera], rtol=1e-6)
        page.hide()
        assert not figure._shades.visible


def test_a_folder_is_shown_by_its_name_alone(tmp_path, monkeypatch):
    folder = lifted(tmp_path, lifted=made_clip()) / "lifted"
    shown = []
    monkeypatch.setattr(app, "start", lambda settings, checked, opened: shown.append(checked.clips) or _Stopped)
    for words in ([str(folder), "--port", "0"], ["--port", "0", "--clip", str(folder)]):
        command.main(words)
    assert [list(clips) for clips in shown] == [[""], [""]]


class _Stopped:
    class server:
        sleep_forever = staticmethod(lambda: None)


def test_joints_that_are_no_dh_body_are_refused(tmp_path):
    clip = made_clip()
    layout = Skeleton("coco_17")
    joints = np.random.default_rng(0).uniform(-0.5, 0.5, (8, 17, 3)).astype(np.float32)
    strange = replace(clip, joints_3d=joints, joints_world=joints, skeleton=layout)
    with pytest.raises(PoseFKError, match="has the joints of coco_17, expected a layout that has those of h36m_16"):
        check_clips(lifted(tmp_path, lifted=strange) / "lifted")
