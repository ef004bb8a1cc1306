"""Points of the head made up for layouts that the body does not have."""

import pytest
import torch

from kinematics import Skeleton
from kinematics.head import from_body, made_up
from kinematics.human import DHHuman
from kinematics.rotation import euler_to_matrix

BODY = Skeleton("h36m_16")
LAYOUTS = ("h36m_17", "mpi_inf_3dhp_17", "lsp_14", "coco_17")


def standing(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """(16, 3) metres: upright, facing +y, left at -x."""
    joints = torch.zeros(16, 3, dtype=dtype)
    for name, place in {
        "Thorax": (0, 0, 1.4), "Head": (0, 0, 1.589), "LShoulder": (-0.15, 0, 1.38), "RShoulder": (0.15, 0, 1.38),
    }.items():  # fmt: skip
        joints[BODY.joints.index(name)] = torch.tensor(place, dtype=dtype)
    return joints


def point(joints: torch.Tensor, layout: str, name: str) -> torch.Tensor:
    return joints[..., Skeleton(layout).joints.index(name), :]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_the_body_has_is_taken_as_it_is(layout: str):
    joints = torch.randn(5, 3, 16, 3)
    made = from_body(joints, layout)
    for name in Skeleton(layout).joints:
        if name in BODY.joints:
            assert torch.equal(point(made, layout, name), point(joints, "h36m_16", name))


def test_the_face_looks_to_the_front_of_the_chest():
    face = from_body(standing(), "coco_17")
    nose, left_eye, right_ear = (point(face, "coco_17", name) for name in ("Nose", "LEye", "REar"))
    assert nose[1] > 0.1 and left_eye[1] > 0.07 and left_eye[0] < 0 < right_ear[0]
    torch.testing.assert_close(point(face, "coco_17", "LEar") + right_ear, 2 * standing()[BODY.joints.index("Head")])


def test_neck_nose_has_human36m_s_distances():
    made = from_body(standing(), "h36m_17")
    thorax, nose, head = (point(made, "h36m_17", name) for name in ("Thorax", "NeckNose", "Head"))
    torch.testing.assert_close((nose - thorax).norm(), torch.tensor(0.1211).double(), atol=5e-4, rtol=0)
    torch.testing.assert_close((head - nose).norm(), torch.tensor(0.1150).double(), atol=5e-4, rtol=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_heads_turn_and_grow_with_the_body(layout: str, float_dtype: torch.dtype):
    human, generator = DHHuman(), torch.Generator().manual_seed(0)
    angles = 0.3 * torch.randn(8, 28, generator=generator, dtype=float_dtype)
    lengths = 0.2 + 0.1 * torch.rand(8, 15, generator=generator, dtype=float_dtype)
    joints = human(angles, lengths, torch.zeros(8, 3, dtype=float_dtype), torch.zeros(8, 3, dtype=float_dtype))
    turn = euler_to_matrix(torch.tensor([0.4, -1.0, 2.0], dtype=float_dtype))
    turned = 1.3 * joints @ turn.mT + 2.0
    torch.testing.assert_close(from_body(turned, layout), 1.3 * from_body(joints, layout) @ turn.mT + 2.0)


def test_gradients_are_finite_even_for_a_body_of_one_point():
    joints = torch.zeros(16, 3, requires_grad=True)
    from_body(joints, "coco_17").sum().backward()
    assert joints.grad is not None and torch.isfinite(joints.grad).all()


def test_a_layout_with_hands_is_refused():
    with pytest.raises(ValueError, match="h36m_32.* has RToe, .*which the 16-joint body lacks: choose h36m_16"):
        made_up("h36m_32")
    assert made_up("h36m_17") == ("NeckNose",) and made_up("h36m_16") == ()
