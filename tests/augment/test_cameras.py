import math

import torch

from augment.cameras import WideCameraRanges, wide_cameras


def test_wide_cameras_keep_their_ranges(generator, float_dtype):
    root = torch.randn(2000, 3, generator=generator, dtype=float_dtype)
    camera = wide_cameras(root, generator)
    focal = camera.intrinsics[:, 0]
    assert focal.dtype == float_dtype
    assert 1.2 <= focal.min() < 1.25 and 2.9 < focal.max() <= 3.0
    assert abs(focal.log().mean() - math.log(1.2 * 3.0) / 2) < 0.03  # log-uniform
    assert (camera.intrinsics[:, 2:] == 0).all()
    level = (camera.translation - root)[:, :2].norm(dim=1)
    assert level.min() >= 2 - 1e-5 and level.max() <= 8 + 1e-5
    assert camera.translation[:, 2].min() >= 0.2 and camera.translation[:, 2].max() <= 3.0


def test_cameras_without_scatter_look_at_the_hip_upright(generator):
    root = torch.randn(100, 3, generator=generator)
    ranges = WideCameraRanges(aim_sd=0.0, roll_sd=0.0)
    camera = wide_cameras(root, generator, ranges)
    screen = camera.project(camera.world_to_camera(root[:, None]))
    torch.testing.assert_close(screen, torch.zeros_like(screen), atol=1e-5, rtol=0)
    above = camera.project(camera.world_to_camera((root + torch.tensor([0, 0, 0.5]))[:, None]))
    torch.testing.assert_close(above[..., 0], torch.zeros(100, 1), atol=1e-5, rtol=0)
    assert (above[..., 1] < 0).all()  # the screen's y points down


def test_azimuths_go_all_round(generator):
    camera = wide_cameras(torch.zeros(2000, 3), generator)
    azimuth = torch.atan2(camera.translation[:, 1], camera.translation[:, 0])
    assert torch.histc(azimuth, bins=8, min=-math.pi, max=math.pi).min() > 180
