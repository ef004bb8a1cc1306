import numpy as np
import pytest
import torch

from kinematics.joints import J
from kinematics.layouts import LAYOUTS
from kinematics.skeleton import Skeleton


def test_joint_constants_are_the_16_joint_body_s():
    names = [name.replace("L_", "L").replace("R_", "R") for name in (joint.name.title() for joint in J)]
    assert tuple(names) == Skeleton("h36m_16").joints and [*J] == list(range(16))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_a_tree_with_mirrored_sides(name):
    skeleton = Skeleton(name)
    assert skeleton.num_joints == int(name.rsplit("_", 1)[1].rstrip("b"))
    assert len(skeleton.bones) == skeleton.num_joints - 1
    for joint in range(skeleton.num_joints):
        steps, at = 0, joint
        while at != skeleton.root:
            at, steps = skeleton.parents[at], steps + 1
            assert steps <= skeleton.num_joints
    mirror = np.array(skeleton.mirror)
    assert (mirror[mirror] == np.arange(skeleton.num_joints)).all()
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        assert skeleton.joints[left][0] == "L" and skeleton.joints[right][0] == "R"
        assert skeleton.joints[left][1:] == skeleton.joints[right][1:]


def test_symmetry_is_videopose3d_s():
    assert Skeleton("h36m_17").left == (4, 5, 6, 11, 12, 13) and Skeleton("h36m_17").right == (1, 2, 3, 14, 15, 16)
    assert Skeleton("h36m_16").left == (4, 5, 6, 10, 11, 12) and Skeleton("h36m_16").right == (1, 2, 3, 13, 14, 15)
    assert set(Skeleton("coco_17").left) == {1, 3, 5, 7, 9, 11, 13, 15}


def test_h36m_32_becomes_the_published_17_and_16():
    index = np.arange(32)[:, None]
    seventeen = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    assert Skeleton("h36m_32").convert(index, "h36m_17")[:, 0].tolist() == seventeen
    assert Skeleton("h36m_32").convert(index, "h36m_16")[:, 0].tolist() == [j for j in seventeen if j != 14]


def test_spin_24_becomes_the_family_s_16():
    reorder = [14, 2, 1, 0, 3, 4, 5, 16, 12, 18, 9, 10, 11, 8, 7, 6]
    assert Skeleton("spin_24").convert(np.arange(24)[:, None], "h36m_16")[:, 0].tolist() == reorder


def test_mpi_inf_3dhp_28_becomes_its_own_17():
    relevant = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
    assert Skeleton("mpi_inf_3dhp_28").convert(np.arange(28)[:, None], "mpi_inf_3dhp_17")[:, 0].tolist() == relevant


def test_mpi_inf_3dhp_s_17_become_human36m_s_as_the_field_maps_them():
    known = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    assert Skeleton("mpi_inf_3dhp_17").convert(np.arange(17)[:, None], "h36m_17")[:, 0].tolist() == known


def test_missing_points_are_the_middle_of_their_neighbours(generator):
    coco, humaneva = Skeleton("coco_17"), Skeleton("humaneva_15")
    poses = torch.randn(3, 17, 2, generator=generator)
    converted = coco.convert(poses, "humaneva_15")
    pairs = {"Hip": ("LHip", "RHip"), "Thorax": ("LShoulder", "RShoulder"), "Head": ("LEar", "REar")}
    for joint, pair in pairs.items():
        middle = sum(poses[:, coco.joints.index(name)] for name in pair) / 2
        torch.testing.assert_close(converted[:, humaneva.joints.index(joint)], middle)
    assert not coco.can_become("h36m_16")  # no spine


def test_numpy_and_torch_convert_alike_on_any_axis(generator):
    poses = torch.randn(2, 5, 17, 3, generator=generator)
    by_torch = Skeleton("h36m_17").convert(poses, "h36m_16")
    by_numpy = Skeleton("h36m_17").convert(poses.numpy(), "h36m_16")
    np.testing.assert_array_equal(by_torch.numpy(), by_numpy)
    flat = Skeleton("h36m_17").convert(poses[..., 0], "h36m_16", axis=-1)
    torch.testing.assert_close(flat, by_torch[..., 0])


def test_converting_does_not_touch_its_argument(generator):
    poses = torch.randn(2, 28, 3, generator=generator)
    before = poses.clone()
    Skeleton("mpi_inf_3dhp_28").convert(poses, "mpi_inf_3dhp_17")
    torch.testing.assert_close(poses, before)


def test_a_wrong_count_is_refused_naming_both_layouts():
    with pytest.raises(ValueError, match=r"17 joints.*as h36m_17 .*expected 16.*Skeleton\('h36m_16'\)"):
        Skeleton("h36m_16").convert(torch.zeros(1, 17, 3), "h36m_16")
    with pytest.raises(ValueError, match=r"cannot become Skeleton\('h36m_17'\): it has no NeckNose"):
        Skeleton("h36m_16").convert(torch.zeros(1, 16, 3), "h36m_17")


def test_an_unknown_layout_names_the_nearest():
    with pytest.raises(ValueError, match="Perhaps you meant: h36m_16"):
        Skeleton("h36m16")
    with pytest.raises(ValueError, match="No layout has 19 joints"):
        Skeleton.from_num_joints(19)
