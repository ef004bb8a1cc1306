import torch

from data import PoseDataset
from data.recordings import Recording, View
from training.batches import RealBatches


def dataset_of(count: int) -> PoseDataset:
    """Pose i has x = i everywhere on the screen."""
    joints_3d = torch.zeros(count, 16, 3).numpy()
    joints_2d = (torch.arange(count).float()[:, None, None] * torch.ones(1, 16, 2)).numpy()
    recording = Recording(
        "S", "A", (View("c", None, joints_3d, joints_2d),), 50.0, torch.ones(count, dtype=torch.bool).numpy()
    )
    return PoseDataset.from_recordings([recording])


def numbers(batches: RealBatches, counts: list[int]) -> list[list[int]]:
    return [batches.draw(count).joints_2d[:, 0, 0, 0].int().tolist() for count in counts]


def test_every_pose_comes_once_per_pass_and_no_batch_is_short():
    taken = numbers(RealBatches(dataset_of(10), seed=1), [4] * 5)
    assert [len(batch) for batch in taken] == [4] * 5
    flat = sum(taken, [])
    assert sorted(flat[:10]) == sorted(flat[10:]) == list(range(10)) and flat[:10] != flat[10:]


def test_a_batch_may_be_larger_than_the_data_set_or_empty():
    assert [len(batch) for batch in numbers(RealBatches(dataset_of(3), seed=1), [8, 0])] == [8, 0]


def test_a_saved_place_is_found_again():
    dataset = dataset_of(10)
    first = RealBatches(dataset, seed=1)
    numbers(first, [4, 4, 4])
    second = RealBatches(dataset, seed=99)
    second.load_state_dict(first.state_dict())
    assert numbers(second, [4, 4]) == numbers(first, [4, 4])
