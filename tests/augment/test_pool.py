import pytest
import torch

from augment import PosePool


def marks(pool: PosePool, generator: torch.Generator) -> set[int]:
    return {int(mark) for mark in pool.draw(500, generator).joints_3d[:, 0, 0, 0].unique()}


def marked(people, values: range):
    batch = people[: len(values)]
    batch = type(batch).cat([batch])
    batch.joints_3d[:, 0, 0, 0] = torch.tensor(list(values), dtype=torch.float32)
    return batch


def test_new_poses_push_out_the_oldest(people, generator):
    pool = PosePool(10)
    pool.add(marked(people, range(6)))
    assert len(pool) == 6 and marks(pool, generator) == set(range(6))
    pool.add(marked(people, range(6, 13)))
    assert len(pool) == 10 and marks(pool, generator) == set(range(3, 13))
    pool.add(marked(people, range(20, 35)))
    assert len(pool) == 10 and marks(pool, generator) == set(range(25, 35))


def test_the_pool_does_not_write_into_what_it_was_given(people, generator):
    given = marked(people, range(4))
    pool = PosePool(4)
    pool.add(given)
    pool.add(marked(people, range(50, 54)))
    assert given.joints_3d[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_drawn_poses_are_whole(people, generator):
    pool = PosePool(50)
    pool.add(people)
    drawn = pool.draw(20, generator)
    assert drawn.camera is not None
    torch.testing.assert_close(drawn.camera.project(drawn.joints_3d), drawn.joints_2d)


def test_an_empty_pool_and_one_without_room_are_refused(generator):
    with pytest.raises(ValueError, match="empty"):
        PosePool(3).draw(1, generator)
    with pytest.raises(ValueError, match="expected at least 1"):
        PosePool(0)
