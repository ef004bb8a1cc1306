"""zip and tar archives of captures: what they claim is checked before it is unpacked."""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from data.cmu import archive as cmu_archive
from data.cmu.archive import open_source
from data.files import archive, download
from data.files.tar import open_tar
from data.h36m.sources import find_archive
from data.prepare_data_cmu import main

CASES = Path(__file__).parents[4] / "shared" / "cases"
NAME = "subjects/01/01_01.amc"


def tar_bytes(*members: tuple[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda member: None) -> bytes:
    """A plain tar. change: of each entry, whose content stays as it is."""
    stream = io.BytesIO()
    for name, content in members:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        change(member)
        stream.write(member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
    stream.write(bytes(1024))
    return stream.getvalue()


def test_a_library_s_words_are_cut_and_quote_little() -> None:
    assert archive.in_short(ValueError("could not convert string to float: '1,5'")).endswith("float: '1,5'")
    quoted = archive.in_short(ValueError(f"could not convert string to float: '{'ab ' * 200}'"))
    assert len(quoted) < 120 and quoted.startswith("could not convert string to float: 'ab ab")
    assert len(archive.in_short(ValueError("word\n" * 500))) == 200


def test_a_tar_s_files_stay_apart_where_progress_bars_are_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cmu_archive, "tqdm", partial(cmu_archive.tqdm, disable=True))
    (tmp_path / "x.tar").write_bytes(tar_bytes(("01_01.amc", b"first"), ("02_01.amc", b"second")))
    with open_source(tmp_path / "x.tar", lambda clip: True) as source:
        assert [read["amc"]() for read in source.motions.values()] == ["first", "second"]


def names_in(path: Path) -> dict[str, bytes]:
    with open_tar(path, "a capture") as members:
        return {member.name: read() for member, read in members}


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_every_compression_is_told_by_its_first_bytes(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content = {"a.txt": b"one" * 1000, "b/c.txt": b""}
    (tmp_path / "capture").write_bytes(pack(tar_bytes(*content.items())))
    assert names_in(tmp_path / "capture") == content


def set_to(**values: object) -> Callable[[tarfile.TarInfo], None]:
    def change(member: tarfile.TarInfo) -> None:
        for name, value in values.items():
            setattr(member, name, value)

    return change


HUGE, MEMBER = 10**12, (NAME, b"x")
ODD_TARS = {
    "a member of 10^12 bytes": (tar_bytes(MEMBER, change=set_to(size=HUGE)), "would unpack to 1,000,000,000,000"),
    "a name of 10^12 bytes": (
        tar_bytes(MEMBER, change=set_to(size=HUGE, type=tarfile.GNUTYPE_LONGNAME)), "header of 1,000,000,",
    ),
    "attributes of 10^12 bytes": (
        tar_bytes(MEMBER, change=set_to(size=HUGE, type=tarfile.XHDTYPE)), "header of 1,000,000,",
    ),
    "a member larger than any": (tar_bytes(MEMBER, change=set_to(size=300 << 20)), "at most 268,435,456"),
    "a damaged entry": (
        tar_bytes(MEMBER, ("subjects/01/01_02.amc", b"y")).replace(b"01_02", b"01_03"), "no entry at byte 1,024",
    ),
}  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("what", ODD_TARS)
def test_odd_tars_are_refused_in_one_sentence(what: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content, words = ODD_TARS[what]
    (tmp_path / "odd.tar").write_bytes(pack(content))
    with pytest.raises(ValueError, match=words) as caught:
        main(["--source", str(tmp_path / "odd.tar"), "--data_root", str(tmp_path / "data"), "--clips", "all"])
    assert "odd.tar" in str(caught.value) and "\n" not in str(caught.value)


def test_a_stream_that_never_ends_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE_BYTES", 1 << 20)
    (tmp_path / "bomb.tgz").write_bytes(gzip.compress(tar_bytes(("readme", bytes(4 << 20)), (NAME, b"x"))))
    with pytest.raises(ValueError, match=r"bomb\.tgz has .* would unpack to 4,194,304"):
        names_in(tmp_path / "bomb.tgz")


def zip_of(path: Path, name: str, content: bytes, flag: int = 0, size: int | None = None) -> Path:
    """A zip of one member. flag: bits set in its entries; size: what it claims."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    raw = bytearray(path.read_bytes())
    place = re.search(b"PK\x01\x02", bytes(raw)).start()  # type: ignore[union-attr]
    raw[place + 8] |= flag
    if size is not None:
        raw[place + 24 : place + 28] = size.to_bytes(4, "little")
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    "claims, words",
    [
        ({"flag": 1}, "is encrypted"),
        ({"size": 2**32 - 2}, "would unpack to 4,294,967,294"),
        ({"size": 300 << 20}, "says it has 314,572,800"),
        ({"size": 5}, "is damaged"),
    ],
)
def test_odd_zips_are_refused_in_one_sentence(claims: dict, words: str, tmp_path: Path) -> None:
    with open_source(zip_of(tmp_path / "a.zip", NAME, b"x" * 1000, **claims), lambda clip: True) as source:
        with pytest.raises(ValueError, match=rf"a\.zip.*{words}"):
            source.motions["01_01"]["amc"]()
    path = zip_of(tmp_path / "h36m.zip", "h36m/S1/MyPoses/3D_positions/Eating.h5", b"x" * 1000, **claims)
    (recording,) = find_archive(path).recordings
    with pytest.raises(ValueError, match=rf"h36m\.zip.*{words}"):
        recording.positions()


def test_a_download_that_unpacks_to_too_much_or_is_encrypted_is_no_whole_archive(tmp_path: Path) -> None:
    assert "encrypted" in download._zip_damage(zip_of(tmp_path / "a.zip", NAME, b"x", flag=1))
    assert "would unpack to" in download._zip_damage(zip_of(tmp_path / "b.zip", NAME, b"x", size=2**32 - 2))
    assert download._zip_damage(zip_of(tmp_path / "c.zip", NAME, b"x")) == ""


@pytest.mark.parametrize("name", ["19/9/x.tgz", "20/79/x.zip"])
def test_the_collected_cases_are_refused(name: str, tmp_path: Path) -> None:
    if not CASES.is_dir():
        pytest.skip("no collected cases beside this checkout")
    with pytest.raises(ValueError, match="would unpack to 1,000,000,02|is encrypted"):
        main(["--source", str(CASES / "broken" / name), "--data_root", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []
