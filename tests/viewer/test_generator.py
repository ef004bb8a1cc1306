"""Clips of a generator restored from a checkpoint."""

from dataclasses import replace

import pytest
import torch

from kinematics import bone_lengths
from viewer.body import body_at_rest
from viewer.generator import ClipSource, between, has_generator


@pytest.fixture(scope="module")
def source(content) -> ClipSource:
    return ClipSource.of_checkpoint(content)


def test_the_same_noise_gives_the_same_clip_and_other_noise_another(source: ClipSource):
    clip = source.clip(source.noise(3))
    assert clip.shape == (source.frames, 16, 3) == (9, 16, 3) and source.fps == 25.0
    torch.testing.assert_close(clip, source.clip(source.noise(3)))
    assert float((clip - source.clip(source.noise(4))).abs().max()) > 0.01


def test_temperature_0_knows_no_noise(source: ClipSource):
    torch.testing.assert_close(source.clip(source.noise(0), 0.0), source.clip(source.noise(1), 0.0))


def test_clips_stand_on_the_floor_on_the_average_adult_s_bones(source: ClipSource):
    for seed in range(5):
        clip = source.clip(source.noise(seed), 1.5)
        assert clip[..., 2].amin(dim=1).abs().max() < 0.05 and clip[..., :2].abs().max() < 3
        lengths = body_at_rest().bone_lengths.expand(len(clip), -1)
        torch.testing.assert_close(bone_lengths(clip), lengths, atol=1e-4, rtol=0)


def test_a_generator_with_its_own_bones_and_root_as_published_stays_on_the_stage(small_gan, contents_of):
    gan = replace(small_gan, learn_bones=True, root="learned", global_rotation="euler", key_every=0)
    clip = (source := ClipSource.of_checkpoint(contents_of(gan))).clip(source.noise(0))
    assert clip[..., :2].abs().max() < 3 and clip[..., 2].amin(dim=1).abs().max() < 0.05


def test_noise_between_two_noises_begins_and_ends_there_and_is_as_wide(source: ClipSource):
    first, second = source.noise(0), source.noise(1)
    torch.testing.assert_close(between(first, second, 0.0), first)
    torch.testing.assert_close(between(first, second, 1.0), second)
    wide = between(torch.randn(1, 100_000), torch.randn(1, 100_000), 0.5)
    assert float(wide.std()) == pytest.approx(1.0, abs=0.02)


def test_only_a_run_with_a_gan_has_a_generator(content, small_gan, contents_of):
    assert has_generator(content)
    without_gan = contents_of(small_gan, share=0.0)
    untrained = {**content, "run": {"augmenter": None}}
    lifter_alone = {name: value for name, value in content.items() if name != "run"}
    assert not any(map(has_generator, (without_gan, untrained, lifter_alone, {"state_dict": {}}, [1], None)))
