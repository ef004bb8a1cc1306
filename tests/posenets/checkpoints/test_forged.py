"""Files whose checksums are right and whose content is not: pickles that claim too much, networks that do not fit."""

import copy
import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from data.devices import go_on
from posenets import LIFTERS, ScreenLifter, build_posenet, load_lifter, load_published
from posenets.checkpoints.files import read_checkpoint
from posenets.checkpoints.fitting import build_within, fill, fill_optimizer, refuse_not_finite

SIZES = {
    "videopose": {"channels": 4}, "simple_baseline": {"linear_size": 4}, "sem_gcn": {"hid_dim": 4},
    "st_gcn": {"hid_dim": 4}, "poseformer": {"embed_dim_ratio": 8, "depth": 1, "num_joints": 16},
    "seq2seq": {"width": 4},
}  # fmt: skip


def written(path: Path, pickled: bytes, storages: int = 1) -> Path:
    """A zip as torch.save writes it, of storages of 8 numbers, with a pickle of one's choice."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled)
        for number in range(storages):
            archive.writestr(f"x/data/{number}", torch.arange(8.0).numpy().tobytes())
    return path


def word(text: str) -> bytes:
    return b"X" + len(text).to_bytes(4, "little") + text.encode()


def number(value: int) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def tensor_pickle(offset: int, size: tuple[int, ...], stride: tuple[int, ...], count: int = 8) -> bytes:
    storage = b"(" + word("storage") + b"ctorch\nFloatStorage\n" + word("0") + word("cpu") + number(count) + b"tQ"
    shape = b"(" + b"".join(map(number, size)) + b"t(" + b"".join(map(number, stride)) + b"t"
    arguments = b"(" + storage + number(offset) + shape + b"\x89ccollections\nOrderedDict\n)Rt"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R."


def test_a_tensor_inside_its_storage_is_read(tmp_path: Path):
    read = read_checkpoint(written(tmp_path / "x.pt", tensor_pickle(1, (2, 3), (1, 2))))
    assert read.tolist() == [[1, 3, 5], [2, 4, 6]]


@pytest.mark.parametrize(
    ("offset", "size", "stride", "count"),
    [
        (0, (9,), (1,), 8), (1, (8,), (1,), 8), (8, (1,), (1,), 8), (-1, (2,), (1,), 8), (0, (2,), (-1,), 8),
        (0, (2,), (8,), 8), (0, (10**12,), (0,), 8), (0, (2**62, 4), (1, 1), 8), (0, (2,), (2**62,), 8),
        (0, (-1,), (1,), 8), (0, (2, 2), (1,), 8), (0, (4,), (1,), 10**9), (0, (4,), (1,), -1), (2**70, (1,), (1,), 8),
    ],
)  # fmt: skip
def test_a_tensor_outside_of_its_storage_is_refused(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...], count: int, tmp_path: Path
):
    with pytest.raises(ValueError, match="expected weights alone, but"):
        read_checkpoint(written(tmp_path / "x.pt", tensor_pickle(offset, size, stride, count)))


DEEP = b"\x80\x02}" + b")" + b"\x85" * 500_000 + b"K\x01s."  # hashing so deep a tuple ends the process


@pytest.mark.parametrize(
    "pickled",
    [
        DEEP, b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.", b"\x80\x02r\xff\xff\xff\xff.",
        b"\x80\x02X\xff\xff\xff\xffab.",
        b"\x80\x02ctorch._utils\n_rebuild_sparse_tensor\n)R.", b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)R.",
        b"\x80\x02]]R.", b"\x80\x02u.", b"\x80\x02h\x05.", b"\x80\x02}K\x01b.", b"hello", b"", b"\x80\x02(", b".",
        b"\x80\x02ctorch\nSize\nK\x05\x85R.",
    ],
)  # fmt: skip
def test_broken_and_foreign_pickles_end_in_a_sentence(pickled: bytes, tmp_path: Path):
    with pytest.raises(ValueError, match="expected weights alone, but") as caught:
        read_checkpoint(written(tmp_path / "x.pt", pickled))
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_random_pickles_do_nothing_else(tmp_path: Path):
    whole, generator = io.BytesIO(), torch.Generator().manual_seed(0)
    torch.save({"a": torch.zeros(3, 2), "b": [1, 2.5, "x", (None, True)]}, whole)
    with zipfile.ZipFile(whole) as archive:
        pickled = next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
    for _ in range(200):
        place, value = (int(torch.randint(most, (), generator=generator)) for most in (len(pickled), 256))
        broken = pickled[:place] + bytes([value]) + pickled[place + 1 :]
        try:
            read_checkpoint(written(tmp_path / "x.pt", broken, storages=2))
        except ValueError as error:
            assert "expected weights alone" in str(error)


def saved(folder: Path, change: Any = lambda content: None, name: str = "simple_baseline") -> Path:
    """A lifter's checkpoint, changed."""
    torch.manual_seed(0)
    content = ScreenLifter(build_posenet(name, **SIZES[name])).to_checkpoint(3)
    change(content)
    torch.save(content, folder / "x.pt")
    return folder / "x.pt"


@pytest.mark.parametrize("name", SIZES)
def test_no_size_of_a_lifter_is_built_beyond_its_weights(name: str, tmp_path: Path):
    sizes = ScreenLifter(build_posenet(name, **SIZES[name])).to_checkpoint(3)["posenet"]["sizes"]
    load_lifter(saved(tmp_path, name=name))
    for size in [size for size, value in sizes.items() if type(value) is int]:
        for value in (10**9, 10**5, -1, 2.5, "8", [8], None):
            path = saved(tmp_path, lambda c, size=size, value=value: c["posenet"]["sizes"].update({size: value}), name)
            if (size, value) != ("in_features", None):
                with pytest.raises(ValueError, match="does not fit"):
                    load_lifter(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["posenet"].update(num_joints=10**9), "num_joints"),
        (lambda c: c["posenet"].update(frames=10**9), "frames"),
        (lambda c: c["posenet"].update(name="x" * 10**6), "is no name"),
        (lambda c: c["posenet"].update(name=None), "damaged recipe"),
        (lambda c: c["posenet"].update(sizes=[1]), "damaged recipe"),
        (lambda c: c["posenet"]["sizes"].update(frames=3), "reads 1 frame"),
        (lambda c: c.update(posenet="mlp"), "damaged recipe"),
        (lambda c: c.update(model_pos=[torch.zeros(3)]), "model_pos is a list"),
        (lambda c: c["model_pos"].update({"w1.bias": 5.0}), r"model_pos.w1.bias is 5.0"),
        (lambda c: c["model_pos"].update({"w1.bias": torch.zeros(4, dtype=torch.int64)}), "int64 instead of float32"),
        (lambda c: c["model_pos"].update({"w1.bias": torch.zeros(4, dtype=torch.uint8)}), "uint8 instead of float32"),
        (lambda c: c["model_pos"].update({"w1.bias": torch.tensor([0, torch.nan, 0, 0])}), "NaN or .* w1.bias,"),
        (lambda c: c["model_pos"]["batch_norm1.running_var"].fill_(torch.inf), "NaN or .* batch_norm1.running_var,"),
        (lambda c: c.update(fps=float("nan")), "fps"),
        (lambda c: c.update(fps=-5.0), "fps"),
        (lambda c: c.update(epoch="three"), "epoch is three, expected"),
        (lambda c: c.update(skeleton="h36m_17"), "does not fit together"),
        (lambda c: c.update(skeleton=torch.zeros(3)), "skeleton is a Tensor"),
        (lambda c: c.update(input_layout="coco_17"), "does not fit together"),
        (lambda c: c.update(input_mode=None), "input_mode"),
    ],
)  # fmt: skip
def test_a_lifter_s_checkpoint_that_does_not_fit_is_one_sentence(change: Any, words: str, tmp_path: Path):
    with pytest.raises(ValueError, match=words) as caught:
        load_lifter(saved(tmp_path, change))
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("lifter", ["videopose", "simple_baseline", "sem_gcn", "poseformer"])
def test_a_published_file_with_a_layer_of_number_10_9_is_refused_at_once(lifter: str, tmp_path: Path):
    weights = build_posenet(lifter, **SIZES[lifter]).state_dict()
    stack = {"videopose": "layers_conv", "simple_baseline": "linear_stages", "sem_gcn": "gconv_layers"}.get(
        lifter, "blocks"
    )
    weights[f"{stack}.999999999.w1.weight"] = torch.zeros(4, 4)
    torch.save(weights, tmp_path / "x.pt")
    with pytest.raises(ValueError, match="does not fit"):
        load_published(tmp_path / "x.pt", lifter)


def test_every_lifter_of_its_published_size_may_be_built():
    for name in LIFTERS:
        sizes = SIZES.get(
            name, {"views": 2, "smfe_heads": 1, "channel": 8, "d_hid": 8, "smfe": [1] * 3, "milf": [1] * 3}
        )
        torch.manual_seed(5)
        alone = build_posenet(name, **sizes)
        torch.manual_seed(5)
        within = build_within(alone.state_dict(), lambda name=name, sizes=sizes: build_posenet(name, **sizes))
        assert all(map(torch.equal, alone.state_dict().values(), within.state_dict().values()))


def test_an_optimiser_keeps_its_settings_and_takes_only_memory_of_its_weights():
    def stepped() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        net = nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
        net(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        return net, optimizer

    (first, one), (second, other) = stepped(), stepped()
    fill(second, first.state_dict(), "x")
    fill_optimizer(other, copy.deepcopy(one.state_dict()), "x")
    for optimizer in (one, other):
        optimizer.step()
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    state = one.state_dict()["state"]
    for broken in (
        {7: state[0]}, {0: {**state[0], "exp_avg": torch.zeros(1)}}, {0: {"step": state[0]["step"]}},
        {0: {**state[0], "exp_avg_sq": torch.full((2, 3), torch.nan)}}, {0: {**state[0], "step": torch.zeros(5)}},
        {0: {**state[0], "exp_avg": torch.zeros(2, 3, dtype=torch.int64)}},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="does not fit|NaN"):
            fill_optimizer(other, {"state": broken}, "x")


def test_random_numbers_go_on_from_a_state_only():
    generator = torch.Generator()
    state = generator.get_state()
    for broken in (None, state[:-1], state.float(), torch.full_like(state, 255)):
        with pytest.raises(ValueError, match="random numbers"):
            go_on(generator, broken, "x")


def test_a_weight_that_is_infinite_in_float32_is_refused():
    network = nn.Linear(2, 1).float()
    weights = {name: weight.double() for name, weight in network.state_dict().items()}
    fill(network, weights, "x")
    with pytest.raises(ValueError, match="infinite numbers in weight"):
        fill(network, weights | {"weight": weights["weight"] * 1e300}, "x")


def test_overlapping_tensors_are_refused_quickly():
    numbers = torch.zeros(100)
    with pytest.raises(ValueError, match="overlap in memory"):
        refuse_not_finite(OrderedDict((str(start), numbers[start:]) for start in range(100)), "x")
    refuse_not_finite({"shared": {"a": numbers, "b": numbers}}, "x")


def test_bytes_are_read_and_a_text_is_not_made_into_bytes_without_end(tmp_path: Path):
    torch.save({"raw": b"\xff\x00", b"key": 1}, tmp_path / "x.pt")
    assert read_checkpoint(tmp_path / "x.pt") == {"raw": b"\xff\x00", b"key": 1}
    text = b"\x80\x02]X" + (1 << 20).to_bytes(4, "little") + b"x" * (1 << 20) + b"q\x010"
    again = b"c_codecs\nencode\nh\x01X\x06\x00\x00\x00latin1\x86R0"
    assert read_checkpoint(written(tmp_path / "y.pt", text + again * 3 + b".")) == []
    with pytest.raises(ValueError, match="comes to far more bytes than it has"):
        read_checkpoint(written(tmp_path / "y.pt", text + again * 600 + b"."))
