import pytest
import torch

from augment import Augmenter
from augment.gan.collapse import collapse_sentence, diversity
from augment.settings import AugmentSettings, GanSettings, Mixture

GAN = AugmentSettings(
    mixture=Mixture(gan=1.0), gan=GanSettings(generator_width=16, critic_width_3d=8, critic_width_2d=8)
)


def test_diversity_grows_with_the_differences_between_poses(people):
    joints = people.joints_world()[:, 0]
    mean = joints.mean(dim=0)
    whole, tenth = diversity(joints), diversity(mean + 0.1 * (joints - mean))
    assert tenth.pose_spread == pytest.approx(0.1 * whole.pose_spread, rel=1e-3)
    assert tenth.angle_spread < 0.5 * whole.angle_spread
    assert diversity(joints[:1].expand(9, -1, -1)).pose_spread == 0


def test_a_generator_that_ignores_its_noise_is_noticed(people):
    augmenter = Augmenter(GAN, people)
    net = augmenter.sources["gan"].pose_generator
    with torch.no_grad():
        net.deconv_out.weight.mul_(0)
    sentence = augmenter.problem()
    assert sentence is not None and "collapsed" in sentence and "joint angles" in sentence


def test_a_generator_as_diverse_as_the_data_is_not_blamed(people):
    augmenter = Augmenter(GAN, people)
    net = augmenter.sources["gan"].pose_generator
    with torch.no_grad():
        net.deconv_out.weight.mul_(15)  # spreads a fresh net's poses over their range
    assert augmenter.problem({"critic_3d_distance": 0.4, "critic_2d_distance": -0.1}) is None


@pytest.mark.parametrize("distance", [80.0, float("nan")])
def test_a_critic_that_ran_away_is_noticed(people, distance):
    healthy = diversity(people.joints_world()[:, 0])
    sentence = collapse_sentence(healthy, healthy, {"3d": distance})
    assert sentence is not None and "3d critic" in sentence
    assert collapse_sentence(healthy, healthy, {"3d": 1.0}) is None


def test_recipes_without_a_gan_have_nothing_to_collapse(people):
    assert Augmenter(AugmentSettings(mixture=Mixture(real=1.0)), people).problem() is None


def test_poses_that_are_nan_are_noticed(people):
    healthy = diversity(people.joints_world()[:, 0])
    broken = diversity(people.joints_world()[:, 0] * float("nan"))
    sentence = collapse_sentence(healthy, broken)
    assert sentence is not None and sentence.startswith("The GAN has come apart: its poses are NaN")
