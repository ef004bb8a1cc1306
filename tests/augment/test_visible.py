import torch

from augment import visible
from augment.cameras import WideCameraRanges, wide_cameras
from augment.visible import VisibleSample, is_visible, pad_by_repeat, project_to_batch
from data.batch import SYNTHETIC, PoseBatch
from kinematics.batch_last import to_batch_last

TIGHT = WideCameraRanges(focal=(2.0, 3.0), distance=(1.0, 3.0))


def sample_visible(draw, count: int, tries: int = 5, give_up_early: bool = False, keep_in_image: bool = True):
    """A VisibleSample filled by draw(size) -> joints, camera."""
    sample = VisibleSample(count, tries, give_up_early)
    for size in sample.sizes():
        batch = project_to_batch(*draw(size))
        sample.add(batch, is_visible(batch, keep_in_image=keep_in_image))
    return sample


def sample_of(batch: PoseBatch, count: int, drawn: int) -> VisibleSample:
    """A VisibleSample for `count` with these poses among those drawn."""
    sample = VisibleSample(count, 5)
    sample.add(batch, torch.ones(len(batch), dtype=torch.bool))
    sample.drawn = drawn
    return sample


def test_only_poses_in_front_and_in_the_image_are_kept(people, generator):
    joints = people.joints_world()

    def draw(count: int):
        rows = torch.randint(len(joints), (count,), generator=generator)
        return joints[rows], wide_cameras(joints[rows][:, 0, 0], generator, TIGHT)

    sample = sample_visible(draw, 100, tries=20)
    batch = sample.poses()
    assert len(batch) == len(sample) == 100
    assert 0 < sample.accepted / sample.drawn < 0.9  # these cameras are too near for many
    assert (batch.joints_3d[..., 2] >= 0.5).all() and (batch.joints_2d.abs() <= 1).all()
    assert (batch.source == SYNTHETIC).all() and batch.camera is not None
    torch.testing.assert_close(batch.camera.project(batch.joints_3d), batch.joints_2d)


def test_poses_are_drawn_in_pieces_and_what_was_rejected_is_made_up_for_at_once(people, generator, monkeypatch):
    joints, asked = people.joints_world(), []
    monkeypatch.setattr(visible, "PIECE", 32)

    def draw(count: int):
        asked.append(count)
        rows = torch.randint(len(joints), (count,), generator=generator)
        return to_batch_last(joints[rows]), wide_cameras(to_batch_last(joints[rows][:, 0, 0]), generator, TIGHT)

    sample = sample_visible(draw, 100, tries=20)
    assert len(sample.poses()) == 100 and asked[:4] == [32, 32, 32, 4]
    assert max(asked) == 32 and sample.drawn == sum(asked) and sample.accepted >= 100
    batch = sample.poses()
    assert is_visible(batch).all()
    torch.testing.assert_close(batch.camera.project(batch.joints_3d), batch.joints_2d)


def test_few_accepted_poses_make_no_larger_draws(people):
    joints, camera = people.joints_world(), people.camera
    away = camera.camera_to_world(camera.world_to_camera(joints) * -1)
    away[:2] = joints[:2]  # two of a hundred are in front of their cameras
    asked = []

    def draw(count: int):
        asked.append(count)
        return away[:count], camera[:count]

    sample = sample_visible(draw, 100, keep_in_image=False, tries=4)
    assert len(sample.poses()) == 8 and asked == [100] * 4 and sample.accepted == 8
    asked.clear()
    hasty = sample_visible(draw, 100, keep_in_image=False, tries=4, give_up_early=True)
    assert len(hasty.poses()) == hasty.accepted == 2 and asked == [100], "four times two are not a hundred"


def test_what_is_no_number_is_not_photographable(people):
    batch = people[:3]
    batch.joints_2d[1, 0, 4, 0], batch.joints_3d[2, 0, 5, 2] = torch.nan, torch.nan
    for keep_in_image in (True, False):
        assert is_visible(batch, 0.1, keep_in_image)[1:].tolist() == [False, False]


def test_too_few_tries_repeat_accepted_poses(people, generator):
    joints = people.joints_world()[:50]
    camera = wide_cameras(joints[:, 0, 0], generator, TIGHT)
    good = int(is_visible(project_to_batch(joints, camera)).sum())
    assert 0 < good < 50
    sample = sample_visible(lambda count: (joints[:count], camera[:count]), 50, tries=1)
    assert len(sample.poses()) == sample.accepted == good and sample.drawn == 50
    batch = pad_by_repeat([sample], 50, generator)
    assert batch is not None and len(batch) == 50 and len(batch.joints_3d.flatten(1).unique(dim=0)) == good


def test_what_one_way_of_placing_lacks_another_adds_in_random_order(people, generator):
    some, others = sample_of(people[:7], 40, 50), sample_of(people[7:40], 33, 33)
    batch = pad_by_repeat([some, others], 40, generator)
    assert batch is not None
    order = (batch.joints_3d[:, None] == people.joints_3d[None, :40]).flatten(2).all(dim=-1).long().argmax(dim=1)
    assert sorted(order.tolist()) == list(range(40)) and order.tolist() != list(range(40))


def test_nobody_in_sight_is_said(people, generator):
    behind = people.joints_world()[:4]
    camera = people.camera[:4]
    away = camera.camera_to_world(camera.world_to_camera(behind) * -1)
    nobody = sample_visible(lambda count: (away[:count], camera[:count]), 4)
    assert len(nobody.poses()) == nobody.accepted == len(nobody) == 0 and nobody.drawn == 20
    assert pad_by_repeat([nobody, nobody], 4, generator) is None


def test_a_joint_beside_the_image_counts_only_if_asked(people):
    batch = people[:1]
    batch.joints_2d[:, :, 3, 0] = 1.5
    batch.joints_3d[..., 2] = 4.0
    batch.joints_2d[:, :, :3] = 0
    batch.joints_2d[:, :, 4:] = 0
    assert not is_visible(batch) and is_visible(batch, keep_in_image=False)
