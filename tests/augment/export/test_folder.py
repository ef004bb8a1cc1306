"""The folder of an export: whose it is, who writes into it, what is done, and what a full disk leaves."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from augment.export import __main__ as export
from augment.export.folder import check_room, claim
from augment.export.formats import FORMATS
from augment.export.formats.chunk import Shard
from augment.export.poses import PoseStream, kept_bytes
from data import DataSplits, Recording
from data.files.lock import folder_lock
from kinematics import PoseFKError, Skeleton

REPOSITORY = Path(__file__).parents[3]
Run = Callable[[Path, str], Path]
WORDS = "--format poseaug --num_poses 200 --shards 3"
SECOND = "shard-00001-of-00003"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def whole(run: Run, tmp_path: Path) -> Path:
    return run(tmp_path / "whole", WORDS)


def test_a_second_export_into_a_folder_that_is_written_is_refused_and_does_no_harm(
    run: Run, whole: Path, tmp_path: Path, monkeypatch
):
    refused = []
    draw = PoseStream.chunk

    def disturbed(self: PoseStream, *words):
        with pytest.raises(BlockingIOError, match=f"written to by process {os.getpid()} on .* \\(an export\\)"):
            monkeypatch.setattr(PoseStream, "chunk", draw)
            run(tmp_path / "out", WORDS)
        monkeypatch.setattr(PoseStream, "chunk", disturbed)
        refused.append(words)
        return draw(self, *words)

    monkeypatch.setattr(PoseStream, "chunk", disturbed)
    run(tmp_path / "out", WORDS)
    assert len(refused) == 4 and content(tmp_path / "out") == content(whole)


def test_other_processes_of_an_export_hold_their_own_shards(run: Run, whole: Path, tmp_path: Path, monkeypatch):
    shutil.copytree(whole, tmp_path / "out")
    (tmp_path / "out" / SECOND / "shard.json").unlink()
    (tmp_path / "out/manifest.json").unlink()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with folder_lock(tmp_path / "out" / SECOND, "an export"):
        run(tmp_path / "out", WORDS)  # of rank 0: the first and the third
        assert not (tmp_path / "out/manifest.json").exists()
        monkeypatch.setenv("RANK", "1")
        with pytest.raises(BlockingIOError):
            run(tmp_path / "out", WORDS)
    run(tmp_path / "out", WORDS)
    assert content(tmp_path / "out") == content(whole)


def test_what_a_dead_process_left_goes(run: Run, whole: Path, tmp_path: Path):
    shutil.copytree(whole, tmp_path / "out")
    folder = tmp_path / "out" / SECOND
    (folder / "shard.json").unlink()
    (folder / ".lock").write_text(json.dumps({"host": socket.gethostname(), "process": 4194305, "task": "an export"}))
    for name in (".poseaug.4194305.part.npz", ".shard.4194305.part.json"):
        (folder / name).write_bytes(b"half")
    run(tmp_path / "out", WORDS)
    assert content(tmp_path / "out") == content(whole)


def test_a_shard_that_was_damaged_or_exchanged_is_made_again(run: Run, whole: Path, tmp_path: Path, capsys):
    other = run(tmp_path / "other", f"{WORDS} --seed 9")
    for change in ("damaged", "exchanged", "another"):
        out = tmp_path / change
        shutil.copytree(whole, out)
        poses = bytearray((out / SECOND / "poseaug.npz").read_bytes())
        poses[len(poses) // 2] ^= 1
        if change == "damaged":
            (out / SECOND / "poseaug.npz").write_bytes(poses)
        else:
            source = other / SECOND if change == "exchanged" else whole / "shard-00000-of-00003"
            shutil.copytree(source, out / SECOND, dirs_exist_ok=True)
        capsys.readouterr()
        run(out, WORDS)
        assert f"1 finished shards are not what was written, first {SECOND}" in capsys.readouterr().out
        assert content(out) == content(whole)


def test_of_two_that_claim_a_folder_at_once_one_gets_it(tmp_path: Path, monkeypatch):
    run_json = {"num_poses": 1, "frames": 1, "shards": 1, "seed": 0, "keep": [], "within_limits": False}
    texts = {name: "" for name in ("format", "recipe", "checkpoint", "layout", "dataset", "recorded")}
    identity = {**run_json, **texts, "min_novelty_mm": 0.0, "version": 3}
    place = os.link

    def late(part: Path, path: Path) -> None:
        path.write_text(json.dumps(identity | {"seed": 1}))  # another process just now
        place(part, path)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(PoseFKError, match=r"holds another export \(--seed was 1, now 0\)"):
        claim(tmp_path / "out", identity)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["export.json"]
    claim(tmp_path / "out", identity | {"seed": 1})
    monkeypatch.setattr(os, "link", place)
    (tmp_path / "new").mkdir()
    (tmp_path / "new/.export.4194305.part.json").touch()  # of a process that begins with us
    claim(tmp_path / "new", identity)


def test_a_link_that_leads_out_of_the_folder_is_refused(run: Run, tmp_path: Path):
    words = "--format motionbert --num_poses 3"
    run(tmp_path / "out", words)
    (tmp_path / "out/shard.json").unlink()
    shutil.move(tmp_path / "out/SYNTHETIC", tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    (tmp_path / "out/SYNTHETIC").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PoseFKError, match="SYNTHETIC is a link: an export writes into its own folder"):
        run(tmp_path / "out", words)
    assert content(tmp_path / "elsewhere") == before


def test_other_recorded_poses_under_the_same_name_are_another_export(
    run: Run, motion: Callable[..., Recording], tmp_path: Path, monkeypatch
):
    words = "--format poseaug --recipe limb_swap --num_poses 70"
    recording = motion(40, 0)
    monkeypatch.setattr("augment.export.poses.load_dataset", lambda *_: DataSplits([recording], [], {}))
    run(tmp_path, words)
    run(tmp_path, words)
    recording.views[0].joints_3d[0, 0, 0] += 1e-3
    with pytest.raises(PoseFKError, match="the recorded poses were sha256 .*, now sha256"):
        run(tmp_path, words)


@pytest.mark.parametrize(
    "words",
    [
        "videopose3d --num_poses 500", "videopose3d --num_poses 60 --frames 9 --layout h36m_16 --keep angles seeds",
        "poseaug --num_poses 500 --keep angles bones cameras seeds", "poseaug --num_poses 500 --layout lsp_14",
        "mmpose --num_poses 300 --keep bones", "mmpose --num_poses 60 --frames 9", "motionbert --num_poses 20",
        "motionbert --num_poses 10 --frames 27", "hdf5 --num_poses 500 --keep cameras",
        "hdf5 --num_poses 60 --frames 9 --layout coco_17", "bvh --num_poses 20", "bvh --num_poses 8 --frames 27",
        "coco --num_poses 200", "coco --num_poses 40 --frames 9",
    ],
)  # fmt: skip
def test_every_format_knows_what_it_takes_on_the_disk(words: str, tmp_path: Path):
    export.main(["--recipe", "range_of_motion", "--out", str(tmp_path), "--format", *words.split()])
    about = json.loads((tmp_path / "manifest.json").read_text())
    shard = Shard(tmp_path, Skeleton(about["layout"]), about["num_poses"], about["frames"], about["fps"])
    wanted = FORMATS[about["format"]].size(shard, kept_bytes(about["keep"], about["frames"]))
    written = sum(entry["bytes"] for entry in about["shards"][0]["files"].values())
    assert written * 0.97 < wanted < written * 1.15


def test_what_cannot_fit_is_refused_before_anything_is_written(tmp_path: Path):
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize
    check_room(tmp_path / "out", free // 2, 0)
    with pytest.raises(PoseFKError, match="GB left, the export needs about"):
        check_room(tmp_path / "out", free * 2, 0)
    with pytest.raises(PoseFKError, match="GB left, the export needs about"):  # a block of the disk for each
        check_room(tmp_path / "out", 10**6, 2 * free // disk.f_frsize)


FULL_DISK = """
import contextlib, io, resource, shutil, sys
from pathlib import Path
from augment.export import __main__ as export
from kinematics import PoseFKError

def limited(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def run(out, words):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        export.main(["--out", str(out), *words.split()])

def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

export.FRAMES_PER_CHUNK = 64
for form, poses in (("hdf5", 300), ("videopose3d", 300), ("poseaug", 300), ("mmpose", 130), ("coco", 130), ("bvh", 6)):
    words = f"--format {form} --num_poses {poses}"
    whole, out = (Path(sys.argv[1]) / form / name for name in ("whole", "out"))
    run(whole, words)
    largest = max(len(held) for name, held in content(whole).items() if name.split(".")[0] not in ("shard", "manifest"))
    for size in (700, largest // 2, largest - 1):
        limited(size)
        try:
            run(out, words)
        except (PoseFKError, OSError) as error:
            assert "File too large" in str(error) and "ake room" in str(error), error
        else:
            raise AssertionError(f"{form} fits into {size} bytes")
        limited(resource.RLIM_INFINITY)
        left = content(out)
        assert all(content(whole)[name] == held for name, held in left.items()), (form, size, [*left])
    run(out, words)
    assert content(out) == content(whole), form
    shutil.rmtree(out)
print("all told")
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], cwd=REPOSITORY, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "all told\n", "")
