"""Random joint definitions and redrawn poses in what the augmenter draws."""

from dataclasses import replace

import pytest
import torch

from augment import Augmenter
from augment.settings import GanSettings, Mixture, recipe
from data.batch import PoseBatch
from kinematics.capsules import overlaps
from kinematics.definitions import PARAMETERS, redefine
from kinematics.joints import J

SWAP = replace(recipe("posefk"), mixture=Mixture(limb_swap=1.0), definition_share=0.0)


def _sample(people: PoseBatch, count: int = 400, **changes) -> PoseBatch:
    return Augmenter(replace(SWAP, **changes), people, seed=1).sample(count)


def test_about_the_share_of_poses_has_other_definitions_and_says_which(people_of):
    batch = _sample(people_of(50), definition_share=0.3)
    given = batch.definition.abs().sum(dim=1) > 0
    assert float(given.float().mean()) == pytest.approx(0.3, abs=0.08)
    assert batch.definition.shape == (400, len(PARAMETERS)) and _sample(people_of(50)).definition is None
    width = (batch.joints_3d[:, 0, J.R_HIP] - batch.joints_3d[:, 0, J.L_HIP]).norm(dim=-1)
    part = batch.definition[:, PARAMETERS.index("hips_width")]
    together = torch.corrcoef(torch.stack([width[given], part[given]]))[0, 1]
    assert float(together) > 0.7, "hips are as wide as the definition says"


def test_the_camera_sees_the_joints_that_the_definition_moved(people_of, monkeypatch: pytest.MonkeyPatch):
    moved = []
    monkeypatch.setattr("augment.augmenter.redefine", lambda *of: moved.append((of, redefine(*of))) or moved[-1][1])
    batch = _sample(people_of(50), 60, definition_share=1.0, keep_in_image=False, near=-100.0)
    ((_, parameters), joints), *more = moved
    assert batch.camera is not None and not more
    torch.testing.assert_close(batch.joints_world(), joints[:60], atol=1e-4, rtol=0)
    torch.testing.assert_close(batch.camera.project(batch.joints_3d), batch.joints_2d)
    assert torch.equal(batch.definition, parameters[:60, 0])


def test_definitions_are_constant_in_a_clip_and_kept_by_every_selection(people_of):
    batch = _sample(people_of(40), 32, definition_share=1.0)
    doubled = PoseBatch.cat([batch, replace(batch, definition=None)])
    assert torch.equal(doubled.definition[:32], batch.definition) and not doubled.definition[32:].any()
    assert torch.equal(batch[3:7].definition, batch.definition[3:7])
    assert torch.equal(batch.mirrored().definition, batch.definition)
    with pytest.raises(ValueError, match="definition has shape"):
        replace(batch, definition=batch.definition[:, :3])


def test_critics_never_see_another_definition(people_of):
    people = people_of(64)
    gan = GanSettings(latent_dim=8, generator_width=16, critic_width_3d=8, critic_width_2d=8)
    losses = []
    for share in (0.0, 1.0):
        settings = replace(recipe("posefk"), mixture=Mixture(gan=1.0), gan=gan, definition_share=share)
        losses.append([Augmenter(settings, people, seed=3).update(people) for _ in range(2)])
    assert losses[0] == losses[1]


def test_redrawing_leaves_few_poses_with_limbs_through_each_other(people_of):
    people = people_of(100)
    rates = [overlaps(_sample(people, 2000, redraws=redraws).joints_3d[:, 0])[0] for redraws in (0, 2)]
    assert rates[0] > 8 and rates[1] < rates[0] / 3


def test_real_poses_are_not_drawn_anew(people_of):
    people = people_of(30)
    settings = replace(recipe("posefk"), mixture=Mixture(real=1.0), definition_share=0.0)
    first, second = (Augmenter(replace(settings, redraws=n), people, seed=2).sample(50) for n in (0, 3))
    torch.testing.assert_close(first.joints_3d, second.joints_3d)
