"""Width, blocks and dropout of the settings, by every lifter's own names."""

import pytest

from posenets import lifter_names
from training.building import build_lifter
from training.config import LifterSettings, Settings


@pytest.mark.parametrize("recipe", ["none", "dh-aug", "posefk"])
@pytest.mark.parametrize("name", lifter_names(False))
def test_every_lifter_knows_its_width_and_dropout(name: str, recipe: str):
    settings = LifterSettings(posenet_name=name, posenet_width=16, dropout=0.125)
    posenet = build_lifter(Settings(recipe=recipe, lifter=settings), "h36m_16").posenet
    assert 0.125 in posenet.sizes.values()
    assert sum(p.numel() for p in posenet.parameters()) < 3_000_000


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("videopose", {"filter_widths": [3, 3, 1, 1]}),
        ("st_gcn", {"inter_channels": [8, 8, 8, 16]}),
        ("poseformer", {"depth": 4}),
    ],
)
def test_blocks_of_temporal_lifters(name: str, blocks: dict[str, object]):
    settings = LifterSettings(posenet_name=name, frames=9, posenet_width=8, posenet_blocks=4)
    posenet = build_lifter(Settings(recipe="none", lifter=settings), "h36m_17").posenet
    assert posenet.frames == 9 and {key: posenet.sizes[key] for key in blocks} == blocks


def test_dh_augs_videopose_of_several_frames_predicts_the_hip():
    settings = LifterSettings(posenet_name="mulit_farme_videopose", frames=9, posenet_width=8)
    assert build_lifter(Settings(recipe="dh-aug", lifter=settings), "h36m_16").posenet.sizes["predict_hip"]


@pytest.mark.parametrize("recipe", ["none", "dh-aug", "posefk"])
def test_poseformer_trains_with_the_published_stochastic_depth(recipe: str):
    posenet = build_lifter(
        Settings(recipe=recipe, lifter=LifterSettings(posenet_name="poseformer", frames=3)), "h36m_17"
    ).posenet
    blocks = [*posenet.Spatial_blocks, *posenet.blocks]
    assert [block.drop_path for block in blocks] == pytest.approx([0, 0.1 / 3, 0.2 / 3, 0.1] * 2)


def test_seq2seq_has_no_blocks_to_count():
    with pytest.raises(ValueError, match="--posenet_blocks 2: seq2seq has no blocks"):
        build_lifter(
            Settings(recipe="none", lifter=LifterSettings(posenet_name="seq2seq", posenet_blocks=2)), "h36m_16"
        )
