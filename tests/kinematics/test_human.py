import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.naive_fk import naive_forward_kinematics
from kinematics import BONES, JOINT_ANGLES, DHHuman, bone_lengths, joint_limits
from kinematics.bones import BODY_JOINTS
from kinematics.dh import INDICES_IN_33

ORACLES = Path(__file__).parents[1] / "oracles"
REST_LENGTHS = {"hip": 0.13, "thigh": 0.44, "shin": 0.45, "waist": 0.24, "thorax": 0.25, "neck": 0.19}
REST_LENGTHS |= {"shoulder": 0.15, "upper_arm": 0.28, "forearm": 0.25}


def pose(count: int, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Angles, lengths, rotation and root of `count` poses."""
    angles = joint_limits("dh-aug").sample_uniform(count, generator, dtype)
    lengths = torch.rand(count, 15, generator=generator, dtype=dtype) * 0.4 + 0.1
    rotation, root = torch.randn(2, count, 3, generator=generator, dtype=dtype) * 2
    return [angles, lengths, rotation, root]


def at_rest(**angles: float) -> dict[str, Tensor]:
    """Joints of a body at rest but for the angles named."""
    lengths = [REST_LENGTHS[name.removeprefix("left_").removeprefix("right_")] for name in BONES]
    values = torch.tensor([angles.get(name, 0.0) for name in JOINT_ANGLES], dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    joints = DHHuman()(values, torch.tensor(lengths, dtype=torch.float64), zero, zero)
    return dict(zip(BODY_JOINTS, joints, strict=True))


@pytest.fixture(scope="module")
def oracle() -> dict[str, Tensor]:
    with np.load(ORACLES / "dh_fk_reference.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files if name != "group"}


def oracle_inputs(oracle: dict[str, Tensor]) -> list[Tensor]:
    angles = torch.deg2rad(oracle["angles33_deg"][:, list(INDICES_IN_33)])
    return [angles, oracle["bone_lengths_m"], torch.deg2rad(oracle["global_rot_xyz_deg"]), oracle["root_m"]]


def test_joints_are_those_of_the_original(oracle):
    joints = DHHuman()(*oracle_inputs(oracle))
    torch.testing.assert_close(joints, oracle["joints16_m"], rtol=0, atol=1e-9)


def test_gradients_are_those_of_the_original(oracle):
    inputs = [values.clone().requires_grad_() for values in oracle_inputs(oracle)]
    gradients = torch.autograd.grad((DHHuman()(*inputs) * oracle["grad_weights"]).sum(), inputs)
    per_degree = torch.pi / 180
    expected = [
        oracle["grad_angles33_per_deg"][:, list(INDICES_IN_33)] / per_degree,
        oracle["grad_bone_lengths"],
        oracle["grad_global_rot_per_deg"] / per_degree,
        oracle["grad_root"],
    ]
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-9)


def test_the_walk_agrees_with_a_chain_of_4x4_matrices(generator, float_dtype):
    inputs = pose(200, generator, float_dtype)
    tolerance = 1e-12 if float_dtype == torch.float64 else 5e-6
    torch.testing.assert_close(DHHuman()(*inputs), naive_forward_kinematics(*inputs), rtol=0, atol=tolerance)


def test_gradients_agree_with_a_chain_of_4x4_matrices(generator):
    inputs = [values.requires_grad_() for values in pose(20, generator)]
    weights = torch.randn(20, 16, 3, generator=generator, dtype=torch.float64)
    ours, theirs = (
        torch.autograd.grad((function(*inputs) * weights).sum(), inputs)
        for function in (DHHuman(), naive_forward_kinematics)
    )
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-11)


def test_gradcheck_passes_also_at_rest(generator):
    inputs = pose(1, generator)
    inputs[0] = torch.cat([inputs[0], torch.zeros(1, 28, dtype=torch.float64)])
    assert torch.autograd.gradcheck(DHHuman(), [values.requires_grad_() for values in inputs])


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (2, 1, 3), (0,), (2, 0)])
def test_any_leading_dimensions(shape, generator, float_dtype):
    count = int(np.prod(shape))
    flat = pose(count, generator, float_dtype)
    joints = DHHuman()(
        *(values.reshape(*shape, -1) if count else values.new_zeros(*shape, values.shape[-1]) for values in flat)
    )
    assert joints.shape == (*shape, 16, 3) and joints.dtype == float_dtype and joints.is_contiguous()
    torch.testing.assert_close(joints.reshape(-1, 16, 3), DHHuman()(*flat))


def test_leading_dimensions_broadcast(generator):
    angles, lengths, rotation, root = pose(6, generator)
    joints = DHHuman()(angles.reshape(2, 3, 28), lengths[:2, None], rotation[0], root.reshape(2, 3, 3))
    full = DHHuman()(angles, lengths[[0, 0, 0, 1, 1, 1]], rotation[:1].expand(6, 3), root)
    torch.testing.assert_close(joints.reshape(6, 16, 3), full)


def test_bone_lengths_survive_any_angles(generator, float_dtype):
    inputs = pose(100, generator, float_dtype)
    torch.testing.assert_close(bone_lengths(DHHuman()(*inputs)), inputs[1], rtol=1e-4, atol=2e-6)


def test_the_root_moves_all_joints_alike(generator):
    angles, lengths, rotation, root = pose(5, generator)
    moved = DHHuman()(angles, lengths, rotation, root) - DHHuman()(angles, lengths, rotation, root * 0)
    torch.testing.assert_close(moved, root[:, None].expand(5, 16, 3))


def test_rest_is_standing_straight_with_the_right_side_at_positive_x():
    joints = at_rest()
    assert joints["RHip"].tolist() == pytest.approx([0.13, 0, 0])
    assert joints["LAnkle"].tolist() == pytest.approx([-0.13, 0, -0.89])
    assert joints["Head"].tolist() == pytest.approx([0, 0, 0.68])
    assert joints["RWrist"].tolist() == pytest.approx([0.15, 0, 0.49 - 0.53])


@pytest.mark.parametrize(
    ("angle", "joint", "axis", "sign"),
    [
        ("right_hip_flexion", "RKnee", 1, 1), ("left_hip_flexion", "LKnee", 1, 1),
        ("right_knee", "RAnkle", 1, 1), ("left_knee", "LAnkle", 1, 1),
        ("right_hip_abduction", "RKnee", 0, -1), ("left_hip_abduction", "LKnee", 0, -1),
        ("waist_flexion", "Spine", 1, 1), ("spine_flexion", "Thorax", 1, 1), ("neck_flexion", "Head", 1, 1),
        ("waist_lean", "Spine", 0, 1), ("spine_lean", "Thorax", 0, 1), ("neck_lean", "Head", 0, 1),
        ("chest_lean", "RShoulder", 2, -1), ("waist_twist", "RShoulder", 1, 1), ("chest_flexion", "Head", 1, 1),
        ("right_shoulder_flexion", "RElbow", 1, 1), ("left_shoulder_flexion", "LElbow", 1, 1),
        ("right_shoulder_abduction", "RElbow", 0, -1), ("left_shoulder_abduction", "LElbow", 0, -1),
        ("right_elbow", "RWrist", 1, 1), ("left_elbow", "LWrist", 1, 1),
    ],
)  # fmt: skip
def test_a_small_positive_angle_moves_its_joint_as_documented(angle, joint, axis, sign):
    moved = at_rest(**{angle: 0.1})[joint] - at_rest()[joint]
    assert moved.abs().argmax() == axis
    assert moved[axis].sign() == sign


def test_mirrored_angles_make_the_mirrored_body(generator):
    angles, lengths, rotation, root = pose(10, generator)
    swap = ["left" + name[5:] if name.startswith("right") else name.replace("left", "right") for name in BONES]
    other = ["left" + name[5:] if name.startswith("right") else name.replace("left", "right") for name in JOINT_ANGLES]
    turned = torch.tensor([-1.0 if name.endswith(("twist", "abduction", "lean")) else 1.0 for name in JOINT_ANGLES])
    mirror = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
    mirrored = DHHuman()(
        angles[:, [JOINT_ANGLES.index(name) for name in other]] * turned,
        lengths[:, [BONES.index(name) for name in swap]],
        rotation * torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64),
        root * mirror,
    )
    sides = {"R": "L", "L": "R"}
    permutation = [BODY_JOINTS.index(sides.get(name[0], name[0]) + name[1:]) for name in BODY_JOINTS]
    torch.testing.assert_close(mirrored, DHHuman()(angles, lengths, rotation, root)[:, permutation] * mirror)


@pytest.mark.parametrize("index", range(4))
def test_wrong_numbers_of_entries_are_refused(index, generator):
    inputs = pose(3, generator)
    inputs[index] = torch.zeros(3, 16, dtype=torch.float64)
    with pytest.raises(ValueError, match="has 16 entries, expected"):
        DHHuman()(*inputs)


@pytest.mark.slow
def test_it_compiles_as_one_graph():
    """In a process of its own: the shape checks of this one are not compilable."""
    program = (
        "import torch; from kinematics import DHHuman; g = torch.Generator().manual_seed(0); "
        "x = [torch.randn(4, 3, n, generator=g, dtype=torch.float64).requires_grad_() for n in (28, 15, 3, 3)]; "
        "body = DHHuman(); fast = torch.compile(body, fullgraph=True, backend='aot_eager'); "
        "grad = lambda f: torch.autograd.grad(f(*x).square().sum(), x); "
        "torch.testing.assert_close(fast(*x), body(*x)); torch.testing.assert_close(grad(fast), grad(body))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
