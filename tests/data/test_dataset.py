from dataclasses import replace

import numpy as np
import pytest
import torch

from data.batch import SYNTHETIC, PoseBatch
from data.dataset import PoseDataset
from data.h36m.cameras import H36M_CAMERAS
from data.recordings import Recording, view_from_world
from kinematics.skeleton import Skeleton


def _recording(frames: int, seed: int, subject: str = "S1", joints: int = 17) -> Recording:
    rng = np.random.default_rng(seed)
    joints_world = rng.normal(size=(frames, joints, 3)).astype(np.float32) * 0.3 + np.array([0, 0, 1], np.float32)
    views = tuple(view_from_world(joints_world, H36M_CAMERAS["S1"][i], f"camera{i}") for i in range(2))
    usable = np.ones(frames, dtype=bool)
    usable[1] = False
    return Recording(subject, "Walking", views, 25.0, usable, {"sequence": f"recording{seed}"})


def test_every_usable_frame_of_every_view_is_one_sample():
    dataset = PoseDataset.from_recordings([_recording(5, 0), _recording(7, 1, "S5")])
    assert len(dataset) == 2 * (4 + 6)
    assert dataset.label("subject") == ["S1"] * 8 + ["S5"] * 12
    assert dataset.label("sequence")[0] == "recording0" and dataset.label("sequence")[-1] == "recording1"
    assert set(dataset.label("camera")) == {"camera0", "camera1"}


def test_a_batch_is_the_view_it_was_made_from():
    recording = _recording(6, 3)
    dataset = PoseDataset.from_recordings([recording])
    everything = dataset.all()
    expected = Skeleton("h36m_17").convert(recording.views[0].joints_3d[recording.usable], "h36m_16")
    np.testing.assert_array_equal(everything.joints_3d[:5, 0].numpy(), expected)
    assert everything.joints_3d.shape == (10, 1, 16, 3) and everything.joints_2d.shape == (10, 1, 16, 2)


def test_joints_world_undo_the_camera():
    recording = _recording(6, 3, joints=16)
    dataset = PoseDataset.from_recordings([recording], only_usable=False)
    world = dataset.all().joints_world()[:, 0]
    np.testing.assert_allclose(world[:6].numpy(), recording.joints_world, atol=2e-6)
    np.testing.assert_allclose(world[6:].numpy(), recording.joints_world, atol=2e-6)


def test_windows_are_padded_with_edge_frames_and_never_leave_their_clip():
    recordings = [_recording(4, 0), _recording(5, 1)]
    single = PoseDataset.from_recordings(recordings, only_usable=False)
    windows = PoseDataset.from_recordings(recordings, frames=5, only_usable=False)
    assert len(single) == len(windows)
    frames = single.all().joints_3d[:, 0]
    first = windows.batch(torch.tensor([0])).joints_3d[0]
    torch.testing.assert_close(first, frames[[0, 0, 0, 1, 2]])
    last_of_first_clip = windows.batch(torch.tensor([3])).joints_3d[0]
    torch.testing.assert_close(last_of_first_clip, frames[[1, 2, 3, 3, 3]])


@pytest.mark.parametrize("target", [0, 1, 3])
def test_windows_lie_about_the_sample_as_asked(target: int):
    recording = _recording(6, 0)
    frames = PoseDataset.from_recordings([recording], only_usable=False).all().joints_3d[:6, 0]
    windows = PoseDataset.from_recordings([recording], frames=4, only_usable=False, target=target)
    for sample in range(6):
        places = (sample + torch.arange(4) - target).clamp(0, 5)
        torch.testing.assert_close(windows.batch(torch.tensor([sample])).joints_3d[0], frames[places])
    with pytest.raises(ValueError, match="expected an odd number"):
        PoseDataset.from_recordings([recording], frames=4)
    with pytest.raises(ValueError, match="expected 0 to 3"):
        PoseDataset.from_recordings([recording], frames=4, target=4)


def test_stride_keeps_every_nth_frame():
    assert len(PoseDataset.from_recordings([_recording(10, 0)], stride=3, only_usable=False)) == 2 * 4


def test_mirroring_twice_is_the_identity_and_agrees_in_2d_and_3d():
    batch = PoseDataset.from_recordings([_recording(5, 0)]).all()
    twice = batch.mirrored().mirrored()
    torch.testing.assert_close(twice.joints_3d, batch.joints_3d)
    torch.testing.assert_close(twice.joints_2d, batch.joints_2d)
    pinhole = torch.tensor([2.3, 2.3, 0, 0, 0, 0, 0, 0, 0])
    from kinematics.camera import project_to_2d

    plain = PoseBatch.of(batch.joints_3d, project_to_2d(batch.joints_3d, pinhole), None, SYNTHETIC)
    mirrored = plain.mirrored()
    torch.testing.assert_close(project_to_2d(mirrored.joints_3d, pinhole), mirrored.joints_2d)


def test_batches_join_and_move_with_their_cameras():
    dataset = PoseDataset.from_recordings([_recording(5, 0)])
    batch = dataset.all()
    joined = PoseBatch.cat([batch[:2], batch[2:]]).to("cpu")
    torch.testing.assert_close(joined.joints_world(), batch.joints_world())
    assert PoseBatch.cat([batch, replace(batch, camera=None)]).camera is None


def test_confidences_stay_with_their_joints(generator: torch.Generator):
    batch = PoseDataset.from_recordings([_recording(5, 0)], frames=3).all()
    batch.confidence = torch.rand(batch.joints_2d.shape[:3], generator=generator)
    places = batch.confidence[..., None] * torch.tensor([1.0, 2.0])  # a joint's place says its confidence
    marked = PoseBatch.of(batch.joints_3d, places, batch.camera, SYNTHETIC, batch.confidence)
    for changed in (marked, marked[2:4], marked.reversed(), marked.mirrored(), marked.to("cpu")):
        assert changed.confidence is not None
        torch.testing.assert_close(changed.joints_2d[..., 1], 2 * changed.confidence)
        torch.testing.assert_close(changed.lifter_input(True)[..., 2], changed.confidence)
    assert torch.equal(marked.lifter_input(False), places)
    with pytest.raises(ValueError, match=r"confidence has shape \(2,\), expected"):
        PoseBatch.of(batch.joints_3d, places, None, confidence=torch.ones(2))


def test_poses_without_confidences_count_as_certain_beside_others():
    plain = PoseDataset.from_recordings([_recording(5, 0)]).all()
    detected = PoseBatch.of(plain.joints_3d, plain.joints_2d, None, confidence=0.3 * torch.ones(8, 1, 16))
    joined = PoseBatch.cat([plain, detected])
    assert joined.confidence is not None
    torch.testing.assert_close(joined.confidence.mean((1, 2)), torch.tensor([1.0] * 8 + [0.3] * 8))
    assert PoseBatch.cat([plain, plain]).confidence is None
    assert torch.equal(plain.lifter_input(True)[..., 2], torch.ones(8, 1, 16))


def test_recordings_of_different_rates_make_no_windows_but_single_frames():
    recordings = [_recording(5, 0), replace(_recording(5, 1), fps=50.0)]
    assert PoseDataset.from_recordings(recordings).fps is None
    assert PoseDataset.from_recordings([recordings[0], replace(recordings[1], fps=25.001)], frames=3).fps == 25
    with pytest.raises(ValueError, match="25 and 50 frames a second.*window of 3.*--frames 1"):
        PoseDataset.from_recordings(recordings, frames=3)


def test_a_slice_of_a_recording_slices_all_its_arrays():
    recording = replace(_recording(9, 0), frame_groups={"activity": np.arange(9).astype(str)})
    part = recording[1:8:3]
    assert part.fps == pytest.approx(25 / 3) and len(part) == 3 and part.group == recording.group
    np.testing.assert_array_equal(part.joints_world, recording.joints_world[1:8:3])
    assert part.frame_groups["activity"].tolist() == ["1", "4", "7"] and part.usable.tolist() == [False, True, True]


def test_millimetres_and_nan_are_refused_at_the_door():
    batch = PoseDataset.from_recordings([_recording(5, 0)]).all()
    with pytest.raises(ValueError, match="are these millimetres"):
        PoseBatch.of(batch.joints_3d * 1000, batch.joints_2d, batch.camera).check()
    broken = batch.joints_2d.clone()
    broken[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite values in 1 of 8"):
        PoseBatch.of(batch.joints_3d, broken, batch.camera).check()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected \(B, T, J, 3\)"):
        PoseBatch.of(torch.zeros(2, 16, 3), torch.zeros(2, 16, 2), None)
    with pytest.raises(ValueError, match=r"joints_2d has shape .* expected \(2, 1, 16, 2\)"):
        PoseBatch.of(torch.zeros(2, 1, 16, 3), torch.zeros(2, 1, 17, 2), None)
    with pytest.raises(ValueError, match="odd number"):
        PoseDataset.from_recordings([_recording(5, 0)], frames=4)
    with pytest.raises(ValueError, match="no usable pose"):
        PoseDataset.from_recordings([])
