"""Weights of the original projects, loaded through the real files, against outputs of the original networks.

tests/oracles/lifters_published.json: published sizes, filled by a rule (below), input and output of the originals.
tests/oracles/esmformer_published.npz: the same of ESMformer, whose 1,287 shapes are kept as a hash.
../shared/oracles/lifters: small instances with their weights, where the folder is there.
"""

import functools
import hashlib
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from posenets import LIFTERS, PoseNet, build_posenet, load_published
from posenets.checkpoints import published

FOLDER = Path(__file__).parents[1] / "oracles"
ORACLES = json.loads((FOLDER / "lifters_published.json").read_text())
SMALL = Path(__file__).parents[3] / "shared" / "oracles" / "lifters"
NAMES = {
    "stgcn": "st_gcn", "gcn": "sem_gcn", "semgcn_original": "sem_gcn", "mlp": "simple_baseline",
    "martinez": "simple_baseline", "poseformer_27f": "poseformer",
}  # fmt: skip
SMALL_SIZES = {
    "videopose": {"channels": 8}, "simple_baseline": {"linear_size": 8}, "sem_gcn": {"hid_dim": 8},
    "st_gcn": {"hid_dim": 8, "num_layers": 2}, "poseformer": {"embed_dim_ratio": 8, "depth": 1},
    "seq2seq": {"width": 8},
    "esmformer": {"views": 2, "smfe_heads": 1, "channel": 8, "d_hid": 8, "smfe": [1, 1, 1], "milf": [1, 1, 1]},
}  # fmt: skip


def lifter_of(source: str) -> str:
    return next((lifter for part, lifter in NAMES.items() if source.endswith(part)), "videopose")


def filled(shapes: dict) -> dict:
    """The oracle's rule: every entry is drawn from a generator seeded by its name."""
    return _filled(json.dumps(shapes))


@functools.lru_cache(maxsize=1)  # float32 and float64 follow each other
def _filled(shapes: str) -> dict:
    weights = {}
    for key, shape in json.loads(shapes).items():
        draw = np.random.RandomState(zlib.crc32(key.encode()) & 0xFFFFFFFF).standard_normal(shape)
        if key.endswith("num_batches_tracked"):
            draw = np.zeros(shape, dtype=np.int64)
        elif key.endswith("running_var"):
            draw = np.abs(draw) * 0.5 + 0.75
        elif key.endswith(("running_mean", "bias")):
            draw = draw * 0.05
        elif len(shape) == 1:
            draw = 1 + 0.1 * draw
        else:
            draw = draw / np.sqrt(shape[-2] if key.endswith(".W") else np.prod(shape[1:]))
        weights[key] = torch.from_numpy(np.asarray(draw)).to(torch.int64 if draw.dtype == np.int64 else torch.float32)
    return weights


def lift(posenet, joints_2d: torch.Tensor) -> torch.Tensor:
    """An original's input of any form -> its output as (B, T_out, J, 3)."""
    if joints_2d.ndim < 4:
        joints_2d = joints_2d.reshape(len(joints_2d), 1, -1, 2)
    with torch.no_grad():
        if joints_2d.shape[1] == posenet.frames:
            return posenet(joints_2d)[:, None]
        return posenet.forward_sequence(joints_2d)


def tensor_of(entry: dict) -> torch.Tensor:
    return torch.tensor(entry["values"]).reshape(entry["shape"])


@pytest.mark.parametrize("source", ORACLES)
def test_published_sizes_give_the_originals_output(source, tmp_path, float_dtype):
    oracle = ORACLES[source]
    torch.save({"epoch": 3, "model_pos": filled(oracle["shapes"])}, tmp_path / "published.bin")
    posenet = load_published(tmp_path / "published.bin", lifter_of(source))
    assert not posenet.training
    assert {key: list(value.shape) for key, value in posenet.state_dict().items()} == oracle["shapes"]
    assert sum(p.numel() for p in posenet.parameters()) == oracle["n_params"]
    output = lift(posenet.to(float_dtype), tensor_of(oracle["input"]).to(float_dtype)).flatten()
    assert output.dtype == float_dtype
    assert torch.allclose(output.float(), tensor_of(oracle["output"]).flatten(), rtol=0, atol=1e-5)


def test_dh_augs_training_and_test_networks_of_several_frames_are_one(tmp_path):
    train, test = (ORACLES[f"dhaug_mulit_farme_videopose_33_{twin}"] for twin in ("train", "test"))
    assert train["shapes"] == test["shapes"]
    torch.save({"module." + key: value for key, value in filled(train["shapes"]).items()}, tmp_path / "w.pth.tar")
    posenet = load_published(tmp_path / "w.pth.tar", "mulit_farme_videopose")
    assert posenet.frames == 9 and posenet.sizes["predict_hip"]
    windows, clip = tensor_of(train["input"]), tensor_of(test["input"])
    with torch.no_grad():
        dense = posenet.forward_sequence(windows)
        strided = torch.stack([posenet(clip[:, i : i + 9]) for i in range(clip.shape[1] - 8)], dim=1)
    assert torch.allclose(dense, tensor_of(train["output"]), rtol=0, atol=1e-5)
    assert torch.allclose(strided, tensor_of(test["output"]), rtol=0, atol=1e-5)


SMALL_SOURCES = [*ORACLES, "videopose3d_TemporalModel_111"]


@pytest.mark.skipif(not SMALL.is_dir(), reason="the folder of small original networks is not here")
@pytest.mark.parametrize("source", [*SMALL_SOURCES, "dhaug_videopose_single"])
def test_small_originals_agree(source, tmp_path):
    oracle = torch.load(SMALL / f"{source}.pt", weights_only=True)
    torch.save(oracle["state_dict"], tmp_path / "plain.pt")
    output = lift(load_published(tmp_path / "plain.pt", lifter_of(source)), oracle["input"])
    assert torch.allclose(output.flatten(), oracle["output"].flatten(), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_an_esmformer_gives_the_originals_output(tmp_path, float_dtype):
    oracle = np.load(FOLDER / "esmformer_published.npz")
    shapes = {key: list(value.shape) for key, value in build_posenet("esmformer", 17, 27).state_dict().items()}
    lines = "\n".join(sorted(f"{key} {shape}" for key, shape in shapes.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == oracle["shapes_sha256"]
    torch.save({"module." + key: value for key, value in filled(shapes).items()}, tmp_path / "model_1_2740.pth")
    posenet = load_published(tmp_path / "model_1_2740.pth", "esmformer").to(float_dtype)
    assert sum(p.numel() for p in posenet.parameters()) == oracle["n_params"] == 22_957_604
    joints_2d, expected = (torch.from_numpy(oracle[key]).to(float_dtype) for key in ("input", "output"))
    with torch.no_grad():
        output = posenet.forward_window(joints_2d.transpose(1, 2))  # theirs: (B, T, V, J, 2)
    assert torch.allclose(output, expected, rtol=0, atol=1e-5)


@pytest.mark.skipif(not SMALL.is_dir(), reason="the folder of small original networks is not here")
def test_a_small_original_esmformer_agrees(tmp_path):
    oracle = torch.load(SMALL / "esmformer_supervised_27f.pt", weights_only=True)
    torch.save(oracle["state_dict"], tmp_path / "plain.pt")
    output = load_published(tmp_path / "plain.pt", "esmformer").forward_window(oracle["input"].transpose(1, 2))
    assert torch.allclose(output, oracle["output"], rtol=0, atol=1e-5)


def test_an_esmformers_sizes_are_read_off_the_weights(tmp_path):
    sizes = dict(views=3, channel=16, d_hid=20, smfe=[1, 2, 3], milf=[2, 1, 1], mvf_kernel=3, in_features=3)
    posenet = build_posenet("esmformer", 16, 5, **sizes, smfe_heads=5, num_heads=4, self_supervised=True).eval()
    torch.save(posenet.state_dict(), tmp_path / "w.pth")
    loaded = load_published(tmp_path / "w.pth", "esmformer", smfe_heads=5, num_heads=4, self_supervised=True)
    assert (loaded.num_joints, loaded.frames, loaded.sizes) == (16, 5, posenet.sizes)
    joints_2d = torch.randn(2, 3, 5, 16, 3)
    assert torch.equal(loaded(joints_2d), posenet(joints_2d))
    with pytest.raises(ValueError, match="frames is 5, expected a multiple of smfe_heads, 9"):
        load_published(tmp_path / "w.pth", "esmformer")


@pytest.fixture
def weights() -> dict:
    return build_posenet("simple_baseline", linear_size=8).state_dict()


@pytest.mark.parametrize("wrapper", ["model_pos", "state_dict", None])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_wrappers_and_parallel_prefixes_are_taken_off(weights, wrapper, prefix, tmp_path):
    content = {prefix + key: value for key, value in weights.items()}
    torch.save({wrapper: content} if wrapper else content, tmp_path / "w.pth")
    loaded = load_published(tmp_path / "w.pth", "mlp").state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in weights.items())


def test_sizes_are_read_off_the_weights(tmp_path):
    for name, sizes in {
        "videopose": dict(num_joints=17, filter_widths=[3, 1, 5], channels=6, predict_hip=False),
        "simple_baseline": dict(num_joints=14, linear_size=7, num_stage=3, predict_hip=False),
        "sem_gcn": dict(num_joints=17, hid_dim=6, num_layers=2),
        "st_gcn": dict(num_joints=16, frames=1, inter_channels=[4, 6], fc_out=5, fc_unit=7),
        "poseformer": dict(num_joints=16, frames=9, embed_dim_ratio=8, depth=3, mlp_ratio=1.5, qkv_bias=False),
    }.items():
        torch.save(build_posenet(name, **sizes).state_dict(), tmp_path / "w.pt")
        loaded = load_published(tmp_path / "w.pt", name)
        assert loaded.num_joints == sizes.pop("num_joints")
        assert loaded.frames == sizes.pop("frames", loaded.frames)
        assert {key: loaded.sizes[key] for key in sizes} == sizes


@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_recurrent_lifter_is_told_its_frames_and_brings_its_statistics(layer_norm, tmp_path):
    posenet = build_posenet("seq2seq", 17, 3, width=6, layer_norm=layer_norm).eval()
    posenet.fit_normalization(torch.randn(20, 17, 2), torch.randn(20, 17, 3))
    torch.save({"model_pos": posenet.state_dict()}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="do not tell how many frames it reads: give frames="):
        load_published(tmp_path / "w.pt", "seq2seq")
    again = load_published(tmp_path / "w.pt", "seq2seq", frames=3)
    joints_2d = torch.randn(2, 3, 17, 2)
    assert torch.equal(again(joints_2d), posenet(joints_2d)) and again.num_joints == 17
    assert load_published(tmp_path / "w.pt", "seq2seq", frames=4).frames == 4  # the cells take any length


def test_an_st_gcn_of_several_frames_is_told_how_many(tmp_path):
    posenet = build_posenet("st_gcn", 17, 5, hid_dim=4).eval()
    torch.save(posenet.state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="give frames="):
        load_published(tmp_path / "w.pt", "st_gcn")
    joints_2d = torch.randn(2, 5, 17, 2)
    again = load_published(tmp_path / "w.pt", "stgcn", frames=5, num_joints=17)
    assert torch.equal(again(joints_2d), posenet(joints_2d))


def test_heads_are_a_keyword_of_a_transformers_checkpoint(tmp_path):
    posenet = build_posenet("poseformer", 16, 3, embed_dim_ratio=4, depth=1, num_heads=2).eval()
    torch.save(
        {"model_pos": {"module." + key: value for key, value in posenet.state_dict().items()}}, tmp_path / "w.bin"
    )
    joints_2d = torch.randn(2, 3, 16, 2)
    loaded = load_published(tmp_path / "w.bin", "mulit_farme_poseformer", num_heads=2)
    assert torch.equal(loaded(joints_2d), posenet(joints_2d))
    with pytest.raises(ValueError, match="embed_dim_ratio is 4, expected a multiple of num_heads, 8"):
        load_published(tmp_path / "w.bin", "poseformer")
    with pytest.raises(ValueError, match="Temporal_pos_embed"):
        load_published(tmp_path / "w.bin", "poseformer", num_heads=2, frames=9)


def test_non_local_blocks_are_recognised_and_counted(tmp_path):
    posenet = build_posenet("sem_gcn", non_local=True).eval()
    assert sum(p.numel() for p in posenet.parameters()) == 434_703  # SemGCN's paper size
    for parameter in posenet.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save(posenet.state_dict(), tmp_path / "w.pt")
    joints_2d = torch.randn(3, 1, 16, 2)
    assert torch.equal(load_published(tmp_path / "w.pt", "gcn")(joints_2d), posenet(joints_2d))


def test_a_loaders_random_state_in_the_file_is_passed_over(weights, tmp_path):
    content = {"random_state": np.random.RandomState(1234), "lr": np.float64(1e-3), "model_pos": weights}
    torch.save(content, tmp_path / "epoch_80.bin")
    assert load_published(tmp_path / "epoch_80.bin", "mlp").sizes["linear_size"] == 8


class Payload:
    """Would write a file if unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "ran")


def test_code_in_a_checkpoint_is_refused_and_not_run(weights, tmp_path):
    torch.save({"model_pos": weights, "extra": Payload(tmp_path / "ran.txt")}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="expected weights alone"):
        load_published(tmp_path / "w.pt", "mlp")
    assert not (tmp_path / "ran.txt").exists()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda w: w.pop("w2.weight"), "lacks w2.weight"),
        (lambda w: w.update({"w3.weight": torch.zeros(1)}), "also has w3.weight"),
        (lambda w: w.update({"linear_stages.1.w1.bias": torch.zeros(5)}), r"linear_stages.1.w1.bias \(5,\) instead"),
        (lambda w: w.update({"module.w1.weight": torch.zeros(1)}), "more than one network"),
        (lambda w: w.update({"w2.weight": w["w2.weight"].double() * 1e300}), "infinite numbers in w2.weight"),
        (lambda w: w.clear(), "expected a state dict"),
        (lambda w: w.update({"w2.weight": [1.0]}), "expected a state dict"),
    ],
)
def test_what_does_not_fit_is_named(weights, change, message, tmp_path):
    change(weights)
    torch.save(dict(weights), tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        load_published(tmp_path / "w.pt", "simple_baseline")


@pytest.mark.parametrize("name", LIFTERS)
def test_another_lifters_checkpoint_is_called_by_its_name(name, tmp_path):
    torch.save(build_posenet(name, **SMALL_SIZES[name]).state_dict(), tmp_path / "w.pt")
    for other in LIFTERS.keys() - {name}:
        with pytest.raises(ValueError, match=f"is not a {other} checkpoint .* looks like a {name} checkpoint"):
            load_published(tmp_path / "w.pt", other)


@pytest.mark.parametrize("name", LIFTERS)
def test_every_missing_weight_is_named(name, tmp_path, monkeypatch):
    """Of layers that only their number tells apart, one."""
    posenet = build_posenet(name, **SMALL_SIZES[name])
    keywords = {"seq2seq": {"frames": 1}, "esmformer": {"smfe_heads": 1}}.get(name, {})
    weights = posenet.state_dict()
    torch.save({**weights, LIFTERS[name].signature: torch.zeros(())}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=re.escape(LIFTERS[name].signature)):
        load_published(tmp_path / "w.pt", name, **keywords)
    built: dict[str, PoseNet] = {}  # a network of the same sizes once: a refusal leaves it as it is
    monkeypatch.setattr(
        published, "build_posenet",
        lambda name, **sizes: built.get(repr(sizes)) or built.setdefault(repr(sizes), build_posenet(name, **sizes)),
    )  # fmt: skip
    patterns = {re.sub(r"\d+", "#", key): key for key in weights}
    for key in patterns.values():
        if not key.endswith("num_batches_tracked"):  # of many weights, each without a file of its own
            held = {k: v for k, v in weights.items() if k != key}
            monkeypatch.setattr(published, "read_checkpoint", lambda path, held=held: held)
            with pytest.raises(ValueError, match=re.escape(key)):
                load_published(tmp_path / "w.pt", name, **keywords)


def test_files_that_are_no_checkpoint_are_refused(weights, tmp_path):
    with pytest.raises(FileNotFoundError, match="is missing"):
        load_published(tmp_path / "none.pt", "mlp")
    torch.save(weights, tmp_path / "w.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "w.pt").read_bytes()[:2000])
    (tmp_path / "empty.pt").write_bytes(b"")
    for name in ("cut.pt", "empty.pt"):
        with pytest.raises(ValueError, match="cannot be read as a checkpoint"):
            load_published(tmp_path / name, "mlp")
