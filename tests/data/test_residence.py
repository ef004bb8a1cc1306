"""A device with too little memory, pretended: its batches are the same ones."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from data import PoseDataset, load_dataset
from data.batch import PoseBatch
from data.multiview.dataset import MultiViewDataset, Poses
from data.residence import bytes_of, reside
from tests.tiny_cmu import SETTINGS
from training.batches import RealBatches

CPU = torch.device("cpu")


def single(frames: int = 3) -> PoseDataset:
    recordings = load_dataset("cmu", replace(SETTINGS, subjects_train=("02",))).train
    return PoseDataset.from_recordings(recordings, frames=frames)


def several() -> MultiViewDataset:
    settings = replace(SETTINGS, subjects_train=("02",), views=2)
    return MultiViewDataset.from_recordings(load_dataset("cmu", settings).train, frames=3, views=2)


def assert_same(one: PoseBatch, other: PoseBatch) -> None:
    assert torch.equal(one.joints_2d, other.joints_2d) and torch.equal(one.joints_3d, other.joints_3d)
    assert one.camera is not None and other.camera is not None
    assert torch.equal(one.camera.translation, other.camera.translation)
    assert torch.equal(one.visible, other.visible)


@pytest.mark.parametrize("make", [single, several])
def test_what_fits_lies_on_the_device_and_what_does_not_is_streamed(make: Callable[[], Poses]):
    data = make()
    size, count = bytes_of(data), len(data) // 2 + 1
    there, streamed = reside(make(), CPU, free=2 * size), reside(make(), CPU, free=2 * size - 2)
    assert there.serves is None and there.residence.endswith("free on cpu: they lie there")
    assert streamed.serves == CPU and streamed.residence.endswith("they stay in memory and are streamed")
    batches = [RealBatches(each, 1) for each in (data, there, streamed)]
    for _ in range(3):  # over the end of a pass
        first, *others = [each.draw(count) for each in batches]
        for other in others:
            assert_same(first, other)


def test_a_data_set_in_the_memory_that_computes_with_it_has_nothing_to_tell():
    data = reside(single(), "cpu")
    assert data.serves is None and data.residence == "" and data.batch_device == CPU


def test_the_size_is_that_of_the_tensors_each_counted_once():
    data = single(frames=1)
    numbers = len(data.joints_3d) * 16 * 5 * 4
    samples = 3 + 1 + len(data.label_ids)  # place and clip; camera; labels
    known = numbers + 8 * samples * len(data)
    assert known <= bytes_of(data) < known + 4 * 17 * 100 + 1024
    views = several()
    assert bytes_of(views.flat) < bytes_of(views) < bytes_of(views.flat) + 100 * views.rows.numel() * 8


def test_other_joints_are_streamed_as_the_first_ones_were():
    data = reside(several(), CPU, free=0)
    changed = data.replaced(joints_2d=data.joints_2d + 1)
    rows = torch.arange(4)
    assert changed.serves == CPU
    torch.testing.assert_close(changed.batch(rows).joints_2d, data.batch(rows).joints_2d + 1)
