import pytest

from augment.settings import METHOD_NORMAL, RECIPES, AugmentSettings, Mixture, recipe


def test_recipes_are_the_three_of_the_project():
    assert set(RECIPES) == {"none", "dh-aug", "posefk"}
    assert recipe("posefk") is RECIPES["posefk"]
    with pytest.raises(ValueError, match="choose from none, dh-aug, posefk"):
        recipe("posefx")


def test_the_published_recipe_is_the_published_one():
    published = RECIPES["dh-aug"]
    gan = published.gan
    assert published.mixture.shares() == {"gan": 1.0}
    assert published.cameras == "dataset" and published.one_camera_per_batch and published.schedule == "alternate"
    assert published.bodies == "templates" and published.bone_spread == 0.2
    assert (gan.penalty_weight, gan.generator_every, gan.weight_2d, gan.lr_generator) == (10.0, 5, 0.2, 1e-4)
    assert gan.betas == (0.5, 0.9) and gan.limits == "dh-aug" and gan.global_rotation == "euler"
    assert METHOD_NORMAL.mixture.shares() == {"clipped_normal": 1.0}


def test_shares_sum_to_one_and_leave_out_what_is_off():
    assert Mixture(gan=1.0, limb_swap=3.0).shares() == {"gan": 0.25, "limb_swap": 0.75}
    assert AugmentSettings().mixture.shares() == {}
    with pytest.raises(ValueError, match="The share of the source gan is -1.0"):
        Mixture(gan=-1.0).shares()
    with pytest.raises(ValueError, match="The share of the source real is nan"):
        Mixture(real=float("nan")).shares()
