"""JSON files of export folders that come from strangers."""

import json
from pathlib import Path

import pytest

from augment.export.records import read_identity, read_manifest, read_notes, read_shard
from kinematics import PoseFKError

SHARD = {"first": 0, "poses": 64, "counts": {"kept": 64}, "files": {"a/b.npz": {"bytes": 5, "crc32": "00ff00ff"}}}
EXPORT = {
    "num_poses": 64, "format": "poseaug", "recipe": "clipped_normal", "checkpoint": "", "layout": "h36m_16",
    "frames": 1, "keep": [], "within_limits": False, "min_novelty_mm": 0.0, "seed": 0, "shards": 1, "dataset": "cmu",
}  # fmt: skip
MANIFEST = EXPORT | {"fps": 50.0, "shards": [SHARD | {"folder": "."}]}
FILES = [
    {name: {"bytes": 5, "crc32": "00ff00ff"}} for name in ("../a", "/etc/passwd", "a/../../b", "a\\b", "", ".", "a\0b")
]
FILES += [{"a": entry} for entry in ({}, {"bytes": -1, "crc32": "00ff00ff"}, {"bytes": 1, "crc32": "x"}, [], None)]
ODD = [None, [], {}, "", -1, 1.5, True, float("nan"), float("inf"), 10**30, "a\nb", "x" * 5000, [1], [[]], {"a": 1}]


def written(folder: Path, content: object, name: str = "some.json") -> Path:
    (folder / name).write_text(json.dumps(content))
    return folder / name


def test_what_is_written_is_read(tmp_path: Path):
    assert read_identity(written(tmp_path, EXPORT | {"more": 1})) == EXPORT
    assert read_shard(written(tmp_path, SHARD)) == SHARD
    assert read_manifest(written(tmp_path, MANIFEST)) == MANIFEST
    assert read_notes(written(tmp_path, {"frames": 3, "name": "mine"}, "manifest.json")) == {"frames": 3}


@pytest.mark.parametrize("files", FILES, ids=str)
def test_files_stay_inside_the_folder(files: dict, tmp_path: Path):
    with pytest.raises(PoseFKError, match="files is .*, expected bytes and crc32 of files inside the folder"):
        read_shard(written(tmp_path, SHARD | {"files": files}))
    with pytest.raises(PoseFKError, match="shard 0: files is"):
        read_manifest(written(tmp_path, MANIFEST | {"shards": [SHARD | {"folder": ".", "files": files}]}))


@pytest.mark.parametrize("folder", ["..", "/tmp", "shard-1", "shard-00000-of-00001/..", "", 3, None])
def test_shards_stay_inside_the_folder(folder: object, tmp_path: Path):
    with pytest.raises(PoseFKError, match="shard 0: folder is .*, expected a shard's folder"):
        read_manifest(written(tmp_path, MANIFEST | {"shards": [SHARD | {"folder": folder}]}))


@pytest.mark.parametrize("read, good", [(read_identity, EXPORT), (read_shard, SHARD), (read_manifest, MANIFEST)])
def test_odd_and_missing_values_are_one_short_sentence(read, good: dict, tmp_path: Path):
    refused = 0
    for name in good:
        lacking = {other: value for other, value in good.items() if other != name}
        for content in [lacking, *(good | {name: value} for value in ODD)]:
            try:
                read(written(tmp_path, content))
            except PoseFKError as error:
                refused += 1
                assert "\n" not in str(error) and len(str(error)) < 300 + len(str(tmp_path)), error
    assert refused > 8 * len(good)


@pytest.mark.parametrize("content", ["", "{", "[" * 100000, "false", '"x"', "3", "[]", "\xff\xfe", "1" + "0" * 9999])
def test_what_is_no_object_is_one_short_sentence(content: str, tmp_path: Path):
    path = tmp_path / "export.json"
    path.write_bytes(content.encode("latin1"))
    for read in (read_identity, read_shard, read_manifest, read_notes):
        with pytest.raises(PoseFKError, match="is damaged: it|holds .*, expected what augment.export writes"):
            read(path)
