"""Damaged files: every flipped bit that changes what is read is found, and said in one sentence."""

import math
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from posenets import ScreenLifter, build_posenet, load_lifter
from posenets.checkpoints.files import SUFFIX, read_checkpoint, write_checkpoint
from posenets.checkpoints.safetensors_file import CONTENT, DIGEST, UNSIGNED, sign


def content() -> dict[str, Any]:
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("videopose", channels=8, filter_widths=[3]), "root")
    optimizer = torch.optim.AdamW(lifter.parameters(), lr=0.1)
    return {**lifter.to_checkpoint(1), "half": torch.ones(3).half(), "optimizer": optimizer.state_dict(), "best": [0.5]}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "last.pt"
    torch.save(content(), path)
    return path


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.stride() == other.stride() and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def inside_of_members(path: Path) -> set[int]:
    """Places of the bytes that are members' content."""
    raw, places = path.read_bytes(), set()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            at = entry.header_offset
            start = at + 30 + sum(int.from_bytes(raw[at + k : at + k + 2], "little") for k in (26, 28))
            places |= set(range(start, start + entry.file_size))
    return places


def refused(path: Path, raw: bytes) -> bool:
    """Whether a file is refused; what is read instead must be what was written."""
    path.write_bytes(raw)
    try:
        read = read_checkpoint(path)
    except ValueError as error:
        assert str(error).count("\n") == 0 and len(str(error)) < 400 + len(str(path))
        return True
    assert same(read, content())
    return False


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
def test_a_whole_file_reads_as_pytorch_reads_it(zipped: bool, tmp_path: Path):
    torch.save(content(), tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    assert same(read_checkpoint(tmp_path / "x.pt"), torch.load(tmp_path / "x.pt", weights_only=True))


def test_tensors_that_share_numbers_still_share_them(tmp_path: Path):
    whole = torch.arange(12.0)
    torch.save({"whole": whole, "part": whole.view(3, 4).T[1:], "none": whole[:0]}, tmp_path / "x.pt")
    read = read_checkpoint(tmp_path / "x.pt")
    read["whole"][1] = 50
    assert read["part"].tolist() == [[50, 5, 9], [2, 6, 10], [3, 7, 11]] and read["none"].shape == (0,)


def test_a_flipped_bit_in_a_member_is_always_found(saved: Path, tmp_path: Path):
    draw, raw = random.Random(0), saved.read_bytes()
    places = sorted(inside_of_members(saved))
    for place in draw.choices(places, k=150):
        broken = bytearray(raw)
        broken[place] ^= 1 << draw.randrange(8)
        assert refused(tmp_path / "x.pt", bytes(broken)), place


def test_a_flipped_bit_anywhere_else_changes_nothing_or_is_found(saved: Path, tmp_path: Path):
    draw, raw = random.Random(1), saved.read_bytes()
    places = sorted(set(range(len(raw))) - inside_of_members(saved))
    found = 0
    for place in draw.choices(places, k=100):
        broken = bytearray(raw)
        broken[place] ^= 1 << draw.randrange(8)
        found += refused(tmp_path / "x.pt", bytes(broken))
    assert found > 15  # of headers; the rest is padding


@pytest.mark.parametrize("size", [512, 4096])
def test_a_hole_of_zeros_and_a_missing_end_are_found(size: int, saved: Path, tmp_path: Path):
    draw, raw = random.Random(2), saved.read_bytes()
    for start in [draw.randrange(len(raw) - size) for _ in range(40)]:
        if any(raw[start : start + size]):
            assert refused(tmp_path / "x.pt", raw[:start] + bytes(size) + raw[start + size :]), start
        assert refused(tmp_path / "x.pt", raw[:start])


def test_the_sentence_names_the_file_the_member_and_the_state_before(saved: Path, tmp_path: Path):
    raw = bytearray(saved.read_bytes())
    raw[raw.index(b"little")] ^= 1
    path = tmp_path / "last.pt"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"last.pt cannot be read .* damaged \(Bad CRC-32 for file 'last/byteorder'\)"):
        read_checkpoint(path)
    shutil.copy(saved, tmp_path / "last.previous.pt")
    with pytest.raises(ValueError, match="go on from the state before, .*last.previous.pt"):
        read_checkpoint(path)


def test_a_file_saved_without_check_sums_is_read(tmp_path: Path):
    try:
        torch.serialization.set_crc32_options(False)
        torch.save(content(), tmp_path / "x.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert same(read_checkpoint(tmp_path / "x.pt"), content())


def rezipped(path: Path, edit: Callable[[list[tuple[str, bytes]]], Any], compression: int = zipfile.ZIP_STORED) -> None:
    """Write a file's members again, edited, with right checksums."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    edit(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, raw in members:
            archive.writestr(name, raw)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("edit", "compression", "words"),
    [
        (lambda members: members.append(members[-1]), zipfile.ZIP_STORED, "two members have one name"),
        (lambda members: members.append(("../x", b"1")), zipfile.ZIP_STORED, "not PyTorch's"),
        (lambda members: members.append(("last/bomb", bytes(10**7))), zipfile.ZIP_DEFLATED, "compressed"),
        (lambda members: members.pop(0), zipfile.ZIP_STORED, "not PyTorch's"),
        (lambda members: members.pop(5), zipfile.ZIP_STORED, r"bytes of data/\d, which has no"),
    ],
    ids=["twice", "outside", "bomb", "no pickle", "no storage"],
)
def test_zips_that_pytorch_does_not_write_are_refused(
    edit: Any, compression: int, words: str, saved: Path, tmp_path: Path
):
    path = tmp_path / "last.pt"
    shutil.copy(saved, path)
    rezipped(path, edit, compression)
    with pytest.raises(ValueError, match=words):
        read_checkpoint(path)


def test_files_before_1_6_are_refused_where_their_parts_disagree(tmp_path: Path):
    path = tmp_path / "x.bin"
    torch.save(content(), path, _use_new_zipfile_serialization=False)
    raw = path.read_bytes()
    for broken in (raw[:-1], raw + b"\0", raw[:40], raw[: len(raw) // 2]):
        assert refused(path, broken)


def test_safetensors_hold_what_was_written(tmp_path: Path):
    one = torch.arange(12.0)
    written = {
        **content(), "nan": [math.nan, -math.inf, 0.1], "empty": {}, "none": torch.zeros(0, 3),
        "steps": (1, True, None),
        "a": {"b.c": torch.ones(2)}, "a.b": {"c": torch.zeros(2)}, "part": one.view(3, 4).T[1:], "same": [one, one],
        3: {"$tensor": "not a tensor", "__metadata__": torch.ones(1)}, "__metadata__": torch.ones(()).bfloat16(),
        "text": '"sha256":"' + "0" * 64,
    }  # fmt: skip
    written["optimizer"]["param_groups"][0]["betas"] = [0.9, 0.999]  # JSON has no tuples
    write_checkpoint(tmp_path / f"x{SUFFIX}", written)
    read = read_checkpoint(tmp_path / f"x{SUFFIX}")
    assert str(read.pop("nan")) == str(written.pop("nan")) and read["same"][0] is read["same"][1]
    assert read.pop("steps") == [*written.pop("steps")]
    assert torch.equal(read.pop("part"), written.pop("part")) and same(read, written)
    with pytest.raises(TypeError, match=r"cannot hold a set \(a.1\)"):
        write_checkpoint(tmp_path / f"y{SUFFIX}", {"a": [0, {1}]})
    assert [path.name for path in tmp_path.iterdir()] == [f"x{SUFFIX}"]


def test_any_flipped_bit_or_missing_end_of_safetensors_is_found(tmp_path: Path):
    path, draw = tmp_path / f"x{SUFFIX}", random.Random(3)
    write_checkpoint(path, content())
    raw = path.read_bytes()
    header = 8 + int.from_bytes(raw[:8], "little")
    for place in [*range(8), *draw.choices(range(8, header), k=150), *draw.choices(range(header, len(raw)), k=50)]:
        broken = bytearray(raw)
        broken[place] ^= 1 << draw.randrange(8)
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="it is damaged") as error:
            read_checkpoint(path)
        assert "\n" not in str(error.value) and len(str(error.value)) < 400 + len(str(path))
    for length in (0, 5, 8, header // 2, header, len(raw) - 1):
        path.write_bytes(raw[:length])
        with pytest.raises(ValueError, match="it is damaged"):
            read_checkpoint(path)


def signed(path: Path, plain: str) -> None:
    """Safetensors with any JSON, under a right checksum."""
    save_file({"t": torch.ones(1)}, path, {CONTENT: plain, DIGEST: UNSIGNED})
    sign(path)


@pytest.mark.parametrize(
    "plain",
    ["{", "[" * 99, '{"a": {"$tensor": "u"}}', '{"$pairs": [1]}', '{"$pairs": [[[], 1]]}', '{"$float": 3}', "7" * 99],
)
def test_forged_json_in_safetensors_is_refused_in_one_sentence(plain: str, tmp_path: Path):
    signed(tmp_path / f"x{SUFFIX}", plain)
    with pytest.raises(ValueError, match="cannot be read as a checkpoint: .* but its JSON"):
        read_checkpoint(tmp_path / f"x{SUFFIX}")


def test_safetensors_of_others_are_weights_by_name(tmp_path: Path):
    posenet = build_posenet("videopose", channels=8, filter_widths=[3])
    save_file(posenet.state_dict(), tmp_path / f"x{SUFFIX}")
    assert load_lifter(tmp_path / f"x{SUFFIX}", "videopose").frames == 3
