import torch

from augment.gan.critics import kcs_features
from kinematics import bone_lengths, joint_limits
from kinematics.constants import constant, indices


def test_constants_have_the_type_of_what_they_meet_and_are_made_once():
    like = torch.zeros(1, dtype=torch.float64)
    made = constant((1.0, -1.5), like)
    assert made.dtype == torch.float64 and made.tolist() == [1.0, -1.5]
    assert constant([1.0, -1.5], like) is made
    assert indices((2, 0), like).dtype == torch.int64
    assert constant((1.0, -1.5), like.float()).dtype == torch.float32


def test_what_is_kept_from_inference_takes_part_in_training():
    joints = torch.randn(4, 16, 3, dtype=torch.float64)  # a type nobody else has asked for here
    with torch.inference_mode():
        bone_lengths(joints), kcs_features(joints), joint_limits("anatomical").to_radians(joints.new_zeros(4, 28))
        constant((0.25, 7.0), joints)
    joints.requires_grad_()
    raw = torch.zeros(4, 28, dtype=torch.float64, requires_grad=True)
    (bone_lengths(joints).sum() + kcs_features(joints).sum()).backward()
    joint_limits("anatomical").to_radians(raw).sum().backward()
    (constant((0.25, 7.0), joints) * joints[..., :2]).sum().backward()
    assert joints.grad is not None and raw.grad is not None


def test_a_graph_that_is_exported_has_constants_of_its_own():
    class Mirror(torch.nn.Module):
        def forward(self, joints: torch.Tensor) -> torch.Tensor:
            return joints[..., indices((2, 0, 1), joints), :] * constant((3.0, -1.0, 1.0), joints)

    joints = torch.randn(2, 3, 3)
    program = torch.export.export(Mirror(), (joints,), strict=False).module()
    assert torch.equal(program(joints), Mirror()(joints))
    assert torch.equal(Mirror()(joints), Mirror()(joints))
