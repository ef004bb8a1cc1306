import pytest
import torch

from augment.gan.critic_inputs import critic_inputs, leaky_clamp, seen_by, with_mirror_images
from augment.gan.source import GanSource
from augment.gan.wgan import frozen, generator_loss
from augment.reference import ReferencePoses
from augment.settings import AugmentSettings, GanSettings
from augment.sources.pose_source import SourceContext
from kinematics import DHHuman, bone_lengths

SMALL = AugmentSettings(gan=GanSettings(generator_width=16, critic_width_3d=16, critic_width_2d=16, generator_every=2))


@pytest.fixture
def gan(people, generator) -> GanSource:
    reference = ReferencePoses.from_data(people, len(people), generator)
    return GanSource(SourceContext(SMALL, reference, generator))


def test_mirrored_poses_carry_as_much_gradient_as_plain_ones(people, gan, generator):
    """In the original they carried none: the generator's gradient was the plain one, halved."""
    latent = gan.pose_generator.sample_latent(len(people), generator)
    bodies = bone_lengths(people.joints_world())

    def gradient(halves: slice) -> torch.Tensor:
        pose = gan.pose_generator(latent)
        joints = DHHuman()(pose.joint_angles, bodies, pose.global_rotation, pose.root)
        fake = critic_inputs(joints, seen_by(people.camera, joints), "world", generator)
        count = len(people)
        picked = fake.world[count * halves.start : count * halves.stop]
        with frozen(gan.critics["critic_3d"]):
            loss = generator_loss(gan.critics["critic_3d"], picked)
        parameters = list(gan.pose_generator.parameters())
        grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        return torch.cat([g.flatten() for g in grads if g is not None])

    plain, mirrored, both = gradient(slice(0, 1)), gradient(slice(1, 2)), gradient(slice(0, 2))
    torch.testing.assert_close(both, (plain + mirrored) / 2, atol=1e-6, rtol=1e-4)
    cosine = torch.cosine_similarity(plain, both, dim=0)
    ratio = mirrored.norm() / plain.norm()
    assert cosine < 0.999 and 0.1 < ratio < 10


def test_mirroring_twice_gives_the_poses_back(people):
    joints = people.joints_world()[:, 0]
    mirrored = with_mirror_images(joints)[len(joints) :]
    torch.testing.assert_close(with_mirror_images(mirrored)[len(joints) :], joints)
    torch.testing.assert_close(bone_lengths(mirrored)[:, 0], bone_lengths(joints)[:, 1])


def test_critics_see_visible_poses_as_the_camera_does(people):
    joints = people.joints_world()
    rays = (people.joints_3d[..., :2] / people.joints_3d[..., 2:]).abs().amax(dim=(1, 2, 3))
    visible = (rays < 1) & (people.joints_3d[..., 2].amin(dim=(1, 2)) > 0.5)
    assert visible.sum() > 50
    seen = seen_by(people.camera, joints)
    torch.testing.assert_close(seen[visible], people.joints_2d[visible], atol=1e-4, rtol=1e-3)


def test_poses_behind_the_camera_keep_a_finite_gradient(people):
    behind = people.camera.camera_to_world(people.joints_3d * torch.tensor([1.0, 1.0, -1.0])).requires_grad_()
    screen = seen_by(people.camera, behind)
    assert torch.isfinite(screen).all() and screen.abs().max() < 20
    screen.square().sum().backward()
    assert torch.isfinite(behind.grad).all() and (behind.grad.abs().sum(dim=(1, 2, 3)) > 0).all()


def test_leaky_clamp_keeps_the_inside_and_the_order(float_dtype):
    values = torch.linspace(-3, 3, 61, dtype=float_dtype)
    clamped = leaky_clamp(values, 1.0)
    inside = values.abs() <= 1
    torch.testing.assert_close(clamped[inside], values[inside])
    assert (clamped.diff() > 0).all() and clamped.abs().max() < 1.05


def test_random_headings_keep_heights_and_shapes(people, generator):
    joints, screen = people.joints_world(), people.joints_2d
    turned = critic_inputs(joints, screen, "random", generator).world
    plain = critic_inputs(joints, screen, "world", generator).world
    torch.testing.assert_close(turned[..., 2], plain[..., 2])
    torch.testing.assert_close(turned.norm(dim=-1), plain.norm(dim=-1))
    assert (turned - plain).abs().max() > 0.1


def test_generator_steps_every_second_update(people, gan):
    before = [p.detach().clone() for p in gan.pose_generator.parameters()]
    assert "generator_loss" not in gan.update(people)
    assert all(torch.equal(a, b) for a, b in zip(before, gan.pose_generator.parameters(), strict=True))
    losses = gan.update(people)
    assert {"generator_loss", "critic_3d_loss", "critic_2d_distance"} <= set(losses)
    assert any(not torch.equal(a, b) for a, b in zip(before, gan.pose_generator.parameters(), strict=True))


def test_a_state_without_critics_is_refused(gan):
    with pytest.raises(ValueError, match="critic_3d"):
        gan.load_state_dict({"generator": {}, "critic_2d": {}, "generator_optimizer": {}})
