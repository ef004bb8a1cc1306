"""PyTorch3D is optional: these tests need it compiled."""

import pytest
import torch

from data.h36m.cameras import H36M_CAMERAS
from kinematics.camera import Camera
from kinematics.pytorch3d_cameras import from_pytorch3d, to_pytorch3d


def _undistorted() -> Camera:
    camera = Camera.stack(H36M_CAMERAS["S1"])
    camera.intrinsics[:, 4:] = 0
    return camera


def test_pytorch3d_sees_the_same_pixels(generator):
    pytest.importorskip("pytorch3d.renderer", exc_type=ImportError)
    camera = _undistorted()
    points = torch.randn(4, 9, 3, generator=generator, dtype=torch.float64) * 0.5
    corner = torch.stack([torch.ones(4), camera.aspect], -1)[:, None]
    ours = (camera.project(camera.world_to_camera(points)) + corner) * 500
    theirs = to_pytorch3d(camera, 1000).transform_points_screen(points.float())[..., :2]
    torch.testing.assert_close(theirs.double(), ours, rtol=0, atol=1e-2)


def test_cameras_survive_the_way_to_pytorch3d_and_back():
    pytest.importorskip("pytorch3d.renderer", exc_type=ImportError)
    camera = _undistorted()
    again = from_pytorch3d(to_pytorch3d(camera, 1000))
    torch.testing.assert_close(again.intrinsics.double(), camera.intrinsics, rtol=0, atol=1e-5)
    torch.testing.assert_close(again.translation.double(), camera.translation, rtol=0, atol=1e-4)


def test_a_distorted_camera_is_refused():
    renderer = pytest.importorskip("pytorch3d.renderer", exc_type=ImportError)
    assert renderer is not None
    with pytest.raises(ValueError, match="no lens distortion"):
        to_pytorch3d(Camera.stack(H36M_CAMERAS["S1"]), 1000)
