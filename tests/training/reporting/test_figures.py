from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import torch

from data import PoseBatch
from evaluation.drawing.charts import camera_views, joint_angle_histograms, save_figure, view_numbers
from evaluation.drawing.colours import LEFT, MIDDLE, RIGHT, bone_colours
from evaluation.drawing.poses import seen_from_the_side
from kinematics import Camera, joint_limits, look_at
from training.reporting.figures import error_curves, error_per_joint
from training.reporting.pose_pictures import lifted_grid, pose_grid


@pytest.fixture
def batch(generator: torch.Generator) -> PoseBatch:
    """People whose hips are at (0, 0, 1) m, seen from 3 m away and 2 m high."""
    joints_world = torch.randn(8, 1, 16, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 1.0])
    joints_world[:, :, 0] = torch.tensor([0.0, 0.0, 1.0])
    position = torch.tensor([[3.0, 0.0, 2.0]]).repeat(8, 1)
    intrinsics = torch.tensor([[1.5, 1.5, *[0.0] * 7]]).repeat(8, 1)
    camera = Camera(look_at(position, torch.tensor([[0.0, 0.0, 1.0]]).repeat(8, 1)), position, intrinsics,
                    torch.ones(8))  # fmt: skip
    joints_camera = camera.world_to_camera(joints_world)
    return PoseBatch.of(joints_camera, camera.project(joints_camera), camera)


def test_view_numbers_are_those_of_the_camera(batch: PoseBatch):
    numbers = view_numbers(batch)
    assert numbers["focal"] == pytest.approx(1.5)
    assert numbers["distance"] == pytest.approx(10**0.5, rel=1e-5)
    assert numbers["elevation_deg"] == pytest.approx(np.rad2deg(np.arcsin(1 / 10**0.5)), rel=1e-4)
    assert numbers["root_screen"] == pytest.approx(0, abs=1e-5)


def test_sides_have_colours_of_their_own(batch: PoseBatch):
    skeleton = batch.skeleton
    for _, child, colour in bone_colours(skeleton):
        first = skeleton.joints[child][0]
        assert colour == {"L": LEFT, "R": RIGHT}.get(first, MIDDLE)


def test_space_is_drawn_upright_and_depth_can_be_seen():
    origin, up, away = seen_from_the_side(np.array([[0.0, 0, 0], [0, -1, 0], [0, 0, 1]]))
    assert up[0] == origin[0] and up[1] > 0.9 and np.linalg.norm(away - origin) > 0.3


@pytest.mark.slow
def test_all_figures_are_drawn(batch: PoseBatch, tmp_path: Path):
    angles = {"real": torch.zeros(5, 28), "synthetic": torch.ones(5, 28)}
    results = [
        {
            "epoch": epoch,
            "phase": phase,
            "test_set": "cmux2_a",
            "protocol": "all_joints",
            "mpjpe": 50.0,
            "p_mpjpe": 40.0,
        }
        for epoch in (1, 2)
        for phase in ("synthetic", "real")
    ]
    figures = {
        "poses": pose_grid([("real", batch), ("synthetic", batch)]),
        "lifted": lifted_grid(batch, batch.root_relative()[:, 0] + 0.05, batch.root_relative()[:, 0], "cmux2_a"),
        "angles": joint_angle_histograms(angles, joint_limits("anatomical")),
        "cameras": camera_views({"real": batch, "synthetic": batch}),
        "errors": error_curves(results),
        "joints": error_per_joint({"cmux2_a": [50.0] * 16}, batch.skeleton.joints),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.png")
        pixels = matplotlib.image.imread(tmp_path / f"{name}.png")[..., :3]
        assert pixels.shape[1] > 900 and pixels.std() > 0.05, name
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".png"] * 6


def test_error_curves_show_every_point_whole_and_whole_epochs():
    line = {"epoch": 1, "phase": "real", "test_set": "cmux2_a", "protocol": "all_joints", "mpjpe": 820.0,
            "p_mpjpe": 400.0}  # fmt: skip
    for axes, highest in zip(error_curves([line]).axes, (820, 400), strict=True):
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 1.02 * highest
        assert all(tick == round(tick) for tick in axes.get_xticks())


def test_numbers_under_neighbouring_panels_do_not_touch():
    figure = joint_angle_histograms({"real": torch.zeros(5, 28)})
    figure.draw_without_rendering()
    left, right = (axes.get_xticklabels() for axes in figure.axes[:2])
    assert left[-1].get_window_extent().x1 + 5 < right[0].get_window_extent().x0


def test_lifted_poses_carry_their_error(batch: PoseBatch):
    off = torch.zeros(8, 16, 3)
    off[..., 0] = 0.05
    figure = lifted_grid(batch, batch.root_relative()[:, 0] + off, batch.root_relative()[:, 0], "cmux2_a")
    assert [text.get_text() for text in figure.axes[1].texts] == ["50 mm"] * 6
