import pytest
import torch

from augment.bodies import PopulationBodies, TemplateBodies, body_sampler
from kinematics.bones import BONES, FACTOR_NAMES, scale_bones

LEFT = [i for i, bone in enumerate(BONES) if bone.startswith("left_")]
RIGHT = [BONES.index("right_" + BONES[i].removeprefix("left_")) for i in LEFT]


def own_lengths(count: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.full((count, 15), 0.3, dtype=dtype)


def test_factors_reach_both_sides_and_the_whole_trunk():
    factors = torch.ones(8)
    factors[FACTOR_NAMES.index("trunk")] = 1.1
    factors[FACTOR_NAMES.index("shin")] = 0.9
    scaled = dict(zip(BONES, scale_bones(torch.ones(15), factors).tolist(), strict=True))
    changed = {bone: round(value, 6) for bone, value in scaled.items() if value != 1}
    assert changed == {"left_shin": 0.9, "right_shin": 0.9, "waist": 1.1, "thorax": 1.1}


def test_template_factors_fill_their_range_independently(generator, float_dtype):
    scales = TemplateBodies(0.2)(own_lengths(4000, float_dtype), generator) / 0.3
    assert scales.dtype == float_dtype
    assert scales.min() >= 0.8 - 1e-6 and scales.max() <= 1.2 + 1e-6
    assert scales.min() < 0.81 and scales.max() > 1.19
    torch.testing.assert_close(scales[:, LEFT], scales[:, RIGHT])
    correlation = torch.corrcoef(scales[:, [0, 2]].T)[0, 1]  # shin and thigh
    assert correlation.abs() < 0.06


def test_population_is_symmetric_correlated_and_human(generator, float_dtype):
    people = PopulationBodies()(own_lengths(4000, float_dtype), generator)
    torch.testing.assert_close(people[:, LEFT], people[:, RIGHT])
    leg = people[:, BONES.index("left_thigh")] + people[:, BONES.index("left_shin")]
    assert 0.70 < leg.mean() < 0.95 and 0.05 < leg.std() / leg.mean() < 0.15
    correlation = torch.corrcoef(people[:, [BONES.index("left_thigh"), BONES.index("left_forearm")]].T)[0, 1]
    assert correlation > 0.3


def test_population_around_a_body_has_its_proportions(generator):
    own = torch.linspace(0.1, 0.45, 15)
    drawn = PopulationBodies.around(own.expand(3, -1))(own_lengths(4000), generator)
    mean = own.clone()
    mean[LEFT] = mean[RIGHT] = (own[LEFT] + own[RIGHT]) / 2
    torch.testing.assert_close(drawn.log().mean(dim=0), mean.log(), atol=0.01, rtol=0)


def test_keep_changes_nothing_and_unknown_names_are_refused(generator):
    own = own_lengths(3)
    assert torch.equal(body_sampler("keep", 0.2, own)(own, generator), own)
    with pytest.raises(ValueError, match="keep, templates, population"):
        body_sampler("giants", 0.2, own)
