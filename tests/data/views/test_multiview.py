from dataclasses import replace

import numpy as np
import pytest
import torch

from data import PoseBatch, PoseDataset
from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.multiview.dataset import MultiViewDataset
from data.recordings import Recording, view_from_world
from kinematics import Camera, PoseFKError
from kinematics.triangulation import triangulate


def recording(frames: int, seed: int, cameras: int = 4, subject: str = "S1") -> Recording:
    """A body that wanders about Human3.6M's room, in float32 views; some frames are not usable."""
    generator = torch.Generator().manual_seed(seed)
    body = 0.4 * torch.randn(16, 3, generator=generator) + torch.tensor([0.0, 0.0, 1.0])
    path = torch.cumsum(0.05 * torch.randn(frames, 1, 3, generator=generator), dim=0)
    world = (body + path).numpy()
    rig = list(zip(H36M_CAMERAS[subject], CAMERA_IDS, strict=True))[:cameras]
    usable = torch.rand(frames, generator=generator).numpy() > 0.2
    views = tuple(view_from_world(world, camera, name) for camera, name in rig)
    return Recording(subject, f"walk {seed}", views, 50.0, usable)


@pytest.fixture
def dataset() -> MultiViewDataset:
    return MultiViewDataset.from_recordings(
        [recording(20, 0), recording(9, 1, subject="S5"), recording(13, 2)], frames=5
    )


def test_every_sample_has_the_same_moment_in_all_its_views(dataset: MultiViewDataset):
    batch = dataset.batch(torch.arange(len(dataset)))
    assert batch.joints_3d.shape[1:] == (4, 5, 16, 3) and batch.views == 4 and batch.frames == 5
    world = batch.joints_world()
    torch.testing.assert_close(world, world[:, :1].expand_as(world), atol=1e-4, rtol=0)
    assert len(dataset.label("subject")) == len(batch) and batch.visible.all()


def test_views_are_the_samples_of_a_data_set_of_single_views(dataset: MultiViewDataset):
    recordings = [recording(20, 0), recording(9, 1, subject="S5"), recording(13, 2)]
    single = PoseDataset.from_recordings(recordings, frames=5).all()
    batch = dataset.batch(torch.arange(len(dataset))).one_by_one()
    assert len(batch) == len(single) == 4 * sum(int(own.usable.sum()) for own in recordings)
    order = lambda poses: poses.joints_2d.flatten(1).sum(1).sort().values  # noqa: E731
    torch.testing.assert_close(order(batch), order(single))


def test_triangulated_views_are_the_poses(dataset: MultiViewDataset):
    batch = dataset.batch(torch.arange(5))
    assert batch.camera is not None
    found = triangulate(batch.joints_2d.double(), batch.camera.to(torch.float64), batch.certainty().double())
    torch.testing.assert_close(found.float(), batch.joints_world()[:, 0], atol=1e-3, rtol=0)


def test_a_missing_view_is_visible_nowhere_and_counts_for_nothing():
    dataset = MultiViewDataset.from_recordings([recording(12, 0), recording(12, 1, cameras=2)])
    batch = dataset.batch(torch.arange(len(dataset)))
    few = torch.tensor([word == "walk 1" for word in dataset.label("action")])
    assert not batch.visible[few][:, 2:].any() and batch.visible[few][:, :2].all() and batch.visible[~few].all()
    assert batch.camera is not None and (batch.certainty()[few][:, 2:] == 0).all()
    found = triangulate(batch.joints_2d.double(), batch.camera.to(torch.float64), batch.certainty().double())
    torch.testing.assert_close(found.float(), batch.joints_world()[:, 0], atol=2e-3, rtol=0)


def test_the_first_views_are_kept_where_fewer_are_asked_for():
    batch = MultiViewDataset.from_recordings([recording(12, 0)], views=2).batch(torch.arange(3))
    four = MultiViewDataset.from_recordings([recording(12, 0)]).batch(torch.arange(3))
    torch.testing.assert_close(batch.joints_2d, four.joints_2d[:, :2])


def test_mirror_images_are_of_one_mirrored_world(dataset: MultiViewDataset):
    batch = dataset.batch(torch.arange(6))
    mirrored = batch.mirrored()
    world = mirrored.joints_world()
    torch.testing.assert_close(world, world[:, :1].expand_as(world), atol=1e-4, rtol=0)
    expected = batch.joints_world()[..., batch.skeleton.mirror, :] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(world, expected, atol=1e-4, rtol=0)
    assert mirrored.camera is not None
    torch.testing.assert_close(mirrored.camera.project(mirrored.joints_3d), mirrored.joints_2d, atol=1e-5, rtol=0)


def test_folding_and_unfolding_are_inverse(dataset: MultiViewDataset):
    batch = dataset.batch(torch.arange(6))
    back = batch.one_by_one().in_views(4)
    for name in ("joints_3d", "joints_2d", "visible", "source"):
        assert torch.equal(getattr(back, name), getattr(batch, name))
    assert back.camera is not None and batch.camera is not None
    assert torch.equal(back.camera.translation, batch.camera.translation)
    assert batch.reversed().joints_2d.flip(2).equal(batch.joints_2d)
    assert PoseBatch.cat([batch[:2], batch[2:]]).joints_3d.equal(batch.joints_3d)


def test_samples_know_their_numbers_whatever_becomes_of_a_batch(dataset: MultiViewDataset):
    indices = torch.tensor([7, 2, 2, 30])
    batch = dataset.batch(indices)
    for same in (batch, batch.mirrored(), batch.reversed(), batch.to("cpu"), batch.one_by_one().in_views(4)):
        assert torch.equal(same.numbers(), indices)
    assert batch[1:3].numbers().tolist() == [2, 2]
    assert batch.one_by_one().numbers().tolist() == [7] * 4 + [2] * 8 + [30] * 4
    made = replace(batch, number=None)
    assert PoseBatch.cat([batch, made]).numbers().tolist() == [7, 2, 2, 30, -1, -1, -1, -1]
    assert PoseBatch.cat([made, made]).number is None and made.numbers().tolist() == [-1] * 4
    assert made.one_by_one().in_views(4).number is None
    with pytest.raises(ValueError, match=r"PoseBatch.number has shape \(3,\), expected \(4,\)"):
        replace(batch, number=indices[:3])


def test_clips_are_recordings_and_not_views(dataset: MultiViewDataset):
    recordings = [recording(20, 0), recording(9, 1, subject="S5"), recording(13, 2)]
    assert sorted(dataset.clip_lengths().tolist()) == [9, 13, 20]
    usable = np.concatenate([own.usable for own in recordings])
    starts = np.concatenate([np.arange(len(own)) == 0 for own in recordings])
    expected = (usable & np.roll(usable, 1) & ~starts)[usable]
    assert dataset.follows().tolist() == expected.tolist() and 0 < expected.sum() < len(dataset) - 3


def test_it_says_of_its_samples_what_a_data_set_of_one_of_their_views_says(dataset: MultiViewDataset):
    recordings = [recording(20, 0), recording(9, 1, subject="S5"), recording(13, 2)]
    firsts = PoseDataset.from_recordings([replace(own, views=own.views[:1]) for own in recordings], frames=5)
    assert (dataset.frames, dataset.target, dataset.fps) == (firsts.frames, firsts.target, firsts.fps) == (5, 2, 50.0)
    for name in ("subject", "action", "camera", "sequence"):
        assert dataset.label(name) == firsts.label(name) and dataset.label_ids[name].shape == (len(dataset),)
    assert torch.equal(dataset.follows(), firsts.follows())
    assert torch.equal(dataset.clip_lengths(), firsts.clip_lengths())
    moved = dataset.to("cpu").batch(torch.arange(3))
    assert torch.equal(moved.joints_2d, dataset.all()[:3].joints_2d)


@pytest.mark.parametrize("several", [False, True])
def test_replaced_tensors_are_those_that_samples_show(several: bool):
    kind = MultiViewDataset if several else PoseDataset
    whole = kind.from_recordings([recording(20, 0), recording(13, 2)], frames=5)
    assert whole.confidence is None
    draw = torch.Generator().manual_seed(0)
    others = {
        "joints_3d": torch.randn(whole.joints_3d.shape, generator=draw),
        "joints_2d": torch.randn(whole.joints_2d.shape, generator=draw),
        "confidence": torch.rand(whole.joints_2d.shape[:-1], generator=draw),
    }
    indices = torch.tensor([4, 0, 9])
    before = whole.batch(indices)
    for name, values in others.items():
        changed = whole.replaced(**{name: values})
        assert type(changed) is kind and getattr(changed, name) is values and len(changed) == len(whole)
        batch = changed.batch(indices)
        for other in ("joints_3d", "joints_2d"):
            assert torch.equal(getattr(batch, other), getattr(before, other)) == (other != name)
        seen = getattr(batch, name)
        assert torch.isin(seen, values).all(), "what is shown is from the new tensor"
        with pytest.raises(ValueError, match=f"{name} has shape .*, expected"):
            whole.replaced(**{name: values[1:]})
    assert torch.equal(whole.batch(indices).joints_2d, before.joints_2d), "the data set itself stays as it is"


def test_too_few_views_are_one_sentence():
    with pytest.raises(ValueError, match=r"Recording S1/walk 0 has 1 view\(s\), expected 2 or more"):
        MultiViewDataset.from_recordings([recording(5, 0, cameras=1)])
    with pytest.raises(ValueError, match="has 2 view\\(s\\), expected 3"):
        MultiViewDataset.from_recordings([recording(5, 0, cameras=2)], views=3)
    with pytest.raises(ValueError, match="views is 1, expected two or more"):
        MultiViewDataset.from_recordings([recording(5, 0)], views=1)
    with pytest.raises(ValueError, match="is not 4 views each"):
        PoseDataset.from_recordings([recording(5, 0)]).all()[:3].in_views(4)


def moving(own: Recording, missing: int) -> Recording:
    """The same recording by cameras that are said anew in every frame; the second lacks the frame `missing`."""
    views = []
    for number, view in enumerate(own.views):
        camera = Camera.stack([view.camera] * len(own))
        present = np.arange(len(own)) != missing if number == 1 else None
        views.append(replace(view, camera=camera, present=present))
    return replace(own, views=tuple(views), usable=np.ones(len(own), dtype=bool))


def test_frames_that_one_camera_alone_has_are_no_samples():
    whole = replace(recording(12, 0), usable=np.ones(12, dtype=bool))
    hidden = [replace(view, present=np.arange(12) >= 4 + i) for i, view in enumerate(whole.views)]
    dataset = MultiViewDataset.from_recordings([replace(whole, views=tuple(hidden)), recording(9, 1)], views=3)
    assert len(dataset) == 7 + int(recording(9, 1).usable.sum()) == len(dataset.label("subject")), (
        "two views from frame 5 on"
    )
    visible = dataset.all().visible[..., 0, 0]
    assert visible.sum(dim=1).min() == 2 and visible[0].tolist() == [True, True, False]
    nothing = replace(whole, views=(hidden[0], replace(whole.views[1], present=np.arange(12) < 4)))
    with pytest.raises(ValueError, match="No frame is seen by two of the first 2 views.*ask for more views"):
        MultiViewDataset.from_recordings([nothing], views=2)


def test_views_that_do_not_belong_together_are_one_sentence():
    whole = recording(12, 0)
    with pytest.raises(
        PoseFKError, match="Recording S1/walk 0: view 55011271 has 9 frames, expected 12 as view 54138969"
    ):
        MultiViewDataset.from_recordings([replace(whole, views=(whole.views[0], whole.views[1][:9]))])
    with pytest.raises(PoseFKError, match="Recording S1/walk 0: camera 54138969 is there twice"):
        MultiViewDataset.from_recordings([replace(whole, views=(whole.views[0], whole.views[0]))])
    with pytest.raises(PoseFKError, match="Recording S1/walk 0: the camera of view 55011271 is not known"):
        MultiViewDataset.from_recordings([replace(whole, views=(whole.views[0], replace(whole.views[1], camera=None)))])


def test_cameras_that_move_have_a_pose_for_every_frame():
    steady = replace(recording(12, 0), usable=np.ones(12, dtype=bool))
    still, moves = (MultiViewDataset.from_recordings([own]) for own in (steady, moving(steady, 5)))
    expected, batch = still.batch(torch.arange(12)), moves.batch(torch.arange(12))
    torch.testing.assert_close(batch.joints_world(), expected.joints_world())
    assert not batch.visible[5, 1].any() and int(batch.visible[..., 0].sum()) == 4 * 12 - 1
    assert len(PoseDataset.from_recordings([moving(steady, 5)])) == 4 * 12 - 1, "single views leave missing frames out"
    with pytest.raises(ValueError, match="moves has no one view of 3 frames"):
        MultiViewDataset.from_recordings([moving(steady, 5)], frames=3)
