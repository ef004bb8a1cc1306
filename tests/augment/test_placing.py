import torch

from augment.cameras import WideCameraRanges, wide_cameras
from augment.placing import is_photographable, photograph, place
from data.batch import SYNTHETIC

TIGHT = WideCameraRanges(focal=(2.0, 3.0), distance=(1.0, 3.0))


def test_only_poses_in_front_and_in_the_image_are_kept(people, generator):
    joints = people.joints_world()

    def draw(count: int):
        rows = torch.randint(len(joints), (count,), generator=generator)
        return joints[rows], wide_cameras(joints[rows][:, 0, 0], generator, TIGHT)

    placement = place(draw, 100, tries=20)
    assert placement is not None and len(placement.batch) == 100
    assert 0 < placement.acceptance < 0.9  # these cameras are too near for many
    assert (placement.batch.joints_3d[..., 2] >= 0.5).all()
    assert (placement.batch.joints_2d.abs() <= 1).all()
    assert (placement.batch.source == SYNTHETIC).all()
    assert placement.batch.camera is not None
    seen = placement.batch.camera.project(placement.batch.joints_3d)
    torch.testing.assert_close(seen, placement.batch.joints_2d)


def test_too_few_tries_repeat_accepted_poses(people, generator):
    joints = people.joints_world()[:50]
    camera = wide_cameras(joints[:, 0, 0], generator, TIGHT)
    good = int(is_photographable(photograph(joints, camera)).sum())
    assert 0 < good < 50
    placement = place(lambda count: (joints[:count], camera[:count]), 50, tries=1)
    assert placement is not None
    assert len(placement.batch) == 50 and placement.accepted == good and placement.drawn == 50
    assert len(placement.batch.joints_3d.flatten(1).unique(dim=0)) == good


def test_nobody_in_sight_is_said(people):
    behind = people.joints_world()[:4]
    camera = people.camera[:4]
    away = camera.camera_to_world(camera.world_to_camera(behind) * -1)
    assert place(lambda count: (away[:count], camera[:count]), 4) is None


def test_a_joint_beside_the_image_counts_only_if_asked(people):
    batch = people[:1]
    batch.joints_2d[:, :, 3, 0] = 1.5
    batch.joints_3d[..., 2] = 4.0
    batch.joints_2d[:, :, :3] = 0
    batch.joints_2d[:, :, 4:] = 0
    assert not is_photographable(batch) and is_photographable(batch, keep_in_image=False)
