"""Bodies and cameras on a GPU: the CPU's numbers."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from data.h36m.cameras import H36M_CAMERAS
from kinematics import BONES, JOINT_ANGLES, Camera, DHHuman, joint_angles_from_joints, joint_limits, look_at
from kinematics.balance import balancing_rotation
from kinematics.batch_last import to_batch_last
from kinematics.foot_contact import remove_foot_skate
from kinematics.limb_frames import put_together, take_apart
from kinematics.triangulation import triangulate
from posenets.views.rays import triangulated

pytestmark = pytest.mark.gpu
POSES = 257
Place = tuple[torch.device, torch.dtype]
Agree = Callable[..., None]


def drawn(*shape: int, seed: int, at: Place) -> Tensor:
    """Normal numbers, the same everywhere."""
    numbers = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(*at)


def bodies(at: Place, frames: int = 1) -> list[Tensor]:
    """Angles within anatomical limits, lengths, rotations and roots (POSES, frames, ...)."""
    shape = (POSES, frames)
    angles = joint_limits("anatomical").to_radians(drawn(*shape, len(JOINT_ANGLES), seed=0, at=at).tanh())
    lengths = 0.3 + 0.05 * drawn(POSES, 1, len(BONES), seed=1, at=at).tanh()
    return [angles, lengths, drawn(*shape, 3, seed=2, at=at), drawn(*shape, 3, seed=3, at=at)]


def people(at: Place, frames: int = 1) -> Tensor:
    return DHHuman()(*bodies(at, frames))


def rig(at: Place) -> Camera:
    """Human3.6M's four cameras of a subject, with their lenses."""
    return Camera.stack([camera.to(*at) for camera in H36M_CAMERAS["S1"]])


@pytest.mark.parametrize("rows", [False, True])
def test_forward_kinematics_and_its_gradients_agree(agree: Agree, rows: bool):
    def compute(*at) -> dict[str, Tensor]:
        inputs = [(to_batch_last(values) if rows else values).requires_grad_() for values in bodies(at)]
        joints = DHHuman()(*inputs)
        grads = torch.autograd.grad((joints * drawn(*joints.shape, seed=4, at=at)).sum(), inputs)
        return {"joints": joints, **dict(zip(("angles", "lengths", "rotation", "root"), grads, strict=True))}

    agree(compute)


def test_inverse_kinematics_finds_the_same_body(agree: Agree):
    def compute(*at) -> dict[str, Tensor]:
        fit = joint_angles_from_joints(people(at))
        return {"joints": DHHuman()(*fit), "lengths": fit.bone_lengths}

    agree(compute, single=1e-4)


def test_limbs_balance_and_foot_contact_agree(agree: Agree):
    def compute(*at) -> dict[str, Tensor]:
        clips = people(at, frames=9).requires_grad_()
        still = remove_foot_skate(clips)
        (gradient,) = torch.autograd.grad((still * drawn(*still.shape, seed=5, at=at)).sum(), clips)
        turn, is_standing = balancing_rotation(clips.detach()[:, 4])
        return {
            "foot contact": still, "gradient of it": gradient, "put together": put_together(take_apart(clips)),
            "balancing": turn * is_standing[:, None, None],
        }  # fmt: skip

    agree(compute, single=1e-4)


def test_cameras_with_lenses_and_their_gradients_agree(agree: Agree):
    def compute(*at) -> dict[str, Tensor]:
        world = (0.5 * people(at)[:, None]).requires_grad_()  # (B, 1, 1, J, 3)
        camera = rig(at).each(lambda values: values[None].expand(POSES, *values.shape))
        points = camera.world_to_camera(world.expand(-1, 4, -1, -1, -1))
        screen = camera.project(points)
        (gradient,) = torch.autograd.grad((screen * drawn(*screen.shape, seed=6, at=at)).sum(), world)
        return {
            "camera frame": points, "screen": screen, "gradient": gradient, "rays": camera.rays(screen),
            "back": camera.camera_to_world(points),
        }  # fmt: skip

    agree(compute, single=1e-4)


def test_wide_views_look_the_same(agree: Agree):
    def compute(*at) -> dict[str, Tensor]:
        place = drawn(POSES, 3, seed=7, at=at) + drawn(3, seed=8, at=at)
        return {"orientation": look_at(place, drawn(POSES, 3, seed=9, at=at), 0.1 * drawn(POSES, seed=10, at=at))}

    agree(compute, single=1e-4)


def test_triangulation_agrees_also_where_views_are_missing(agree: Agree):
    def compute(*at) -> dict[str, Tensor]:
        camera = rig(at).each(lambda values: values[None].expand(POSES, *values.shape))
        joints = 0.5 * people(at)
        screen = camera.project(camera.world_to_camera(joints[:, None].expand(-1, 4, -1, -1, -1)))
        screen = screen + 0.002 * drawn(*screen.shape, seed=11, at=at)
        seen = (drawn(*screen.shape[:-1], seed=12, at=at) > -1).to(at[1])  # of ten joints of a view about eight
        some = {"all": triangulate(screen, camera), "again": triangulate(screen, camera, reweightings=2)}
        return {**some, "some": triangulated(screen, seen, camera)}

    agree(compute, single=1e-3)


def test_limits_hold_to_the_last_digit(device: torch.device):
    for name in ("dh-aug", "anatomical"):
        angles = joint_limits(name).sample_uniform(4096, torch.Generator(device).manual_seed(0), torch.float64)
        assert angles.device.type == device.type
        assert joint_limits(name).excess(angles).max() < 1e-12
        assert math.isclose(float(joint_limits(name).to_raw(angles).std()), 1 / math.sqrt(3), rel_tol=0.02)
