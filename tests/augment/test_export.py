"""The command that exports synthetic poses; each format is read back by code written from its description."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from augment import export as command
from augment.export_poses import TOLERANCE_RAD, facing_the_same
from data.h36m_cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.readers import load_npz_restricted
from kinematics import Skeleton, joint_limits
from kinematics.camera import project_to_2d, world_to_camera
from kinematics.errors import PoseFKError

REPOSITORY = Path(__file__).parents[2]
STATIC = [4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31]  # of 32, what VideoPose3D's loader drops


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(command, "FRAMES_PER_BLOCK", 64)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)  # the command computes on one


def run(folder: Path, words: str) -> Path:
    command.main(f"--out {folder} {words}".split())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("layout, num_joints", [("h36m_17", 17), ("h36m_16", 16)])
@pytest.mark.parametrize("frames", [1, 9])
def test_videopose3d_s_loader_finds_2d_and_3d_that_agree(tmp_path: Path, layout: str, num_joints: int, frames: int):
    poses = 100 if frames == 1 else 8
    run(tmp_path, f"--format videopose3d --num_poses {poses} --layout {layout} --frames {frames}")
    positions_3d = load_npz_restricted(tmp_path / "data_3d_h36m.npz")["positions_3d"]
    file_2d = load_npz_restricted(tmp_path / "data_2d_h36m_gt.npz")
    kept = [j for j in range(32) if j not in STATIC and (num_joints == 17 or j != 14)]
    found = 0
    for subject, takes in positions_3d.items():
        for take, joints in takes.items():
            views = file_2d["positions_2d"][subject][take]
            assert joints.shape[1:] == (32, 3) and len(views) == 4 and (frames == 1 or len(joints) == frames)
            found += len(joints)
            for camera, view, (width, height) in zip(H36M_CAMERAS[subject], views, CAMERA_RESOLUTIONS, strict=True):
                seen = world_to_camera(torch.from_numpy(joints[:, kept]).double(), camera.orientation_wxyz,
                                       camera.translation)  # fmt: skip
                assert (seen[..., 2] > 2).all()  # in front, inside the rig
                normalised = view / width * 2 - [1, height / width]
                projected = project_to_2d(seen, camera.intrinsics).numpy()
                np.testing.assert_allclose(normalised, projected, atol=1e-5)
    assert found == poses * frames
    left, right = file_2d["metadata"]["keypoints_symmetry"]
    usual = {17: ([4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]), 16: ([4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15])}
    assert (left, right) == usual[num_joints]


def test_videopose3d_keeps_the_camera_each_pose_was_drawn_with(tmp_path: Path):
    run(tmp_path, "--format videopose3d --num_poses 100")
    cameras = load_npz_restricted(tmp_path / "data_2d_h36m_gt.npz")["cameras"]
    for takes in cameras.values():
        for camera in takes.values():
            seen, intrinsics = torch.from_numpy(camera["joints_camera"]), torch.from_numpy(camera["intrinsics"])
            np.testing.assert_allclose(project_to_2d(seen, intrinsics).numpy(), camera["joints_screen"], atol=1e-5)
    assert sum(len(camera["aspect"]) for takes in cameras.values() for camera in takes.values()) == 100


def test_poseaug_s_arrays_are_hip_centred_pairs(tmp_path: Path):
    run(tmp_path, "--format poseaug --num_poses 100 --keep cameras angles bones seeds")
    with np.load(tmp_path / "poseaug.npz") as file:
        pose3d, pose2d = file["pose3d"], file["pose2d"]
        assert pose3d.shape == (100, 16, 3) and pose2d.shape == (100, 16, 2) and pose3d.dtype == np.float32
        assert file["joint_angles"].shape == (100, 1, 28) and file["bone_lengths"].shape == (100, 15)
        assert (file["seed"] == file["seed"][0]).sum() == 64 and file["row"].tolist() == [*range(64), *range(36)]
        intrinsics = torch.from_numpy(file["camera_intrinsics"])
    np.testing.assert_array_equal(pose3d[:, 0], 0)
    # 2D and hip-centred 3D agree: some depth of the hip explains both, found by least squares on the rays
    rays = (pose2d - intrinsics[:, None, 2:4].numpy()) / intrinsics[:, None, :2].numpy()
    for ray, pose in zip(rays[:10], pose3d[:10], strict=True):
        unknown = np.zeros((32, 3))  # hip: x + X = ray * (z + Z)
        unknown[0::2, 0], unknown[1::2, 1], unknown[:, 2] = 1, 1, -ray.ravel()
        hip, *_ = np.linalg.lstsq(unknown, (ray * pose[:, 2:] - pose[:, :2]).ravel(), rcond=None)
        absolute = pose + hip
        np.testing.assert_allclose(absolute[:, :2] / absolute[:, 2:], ray, atol=1e-3)


def test_motionbert_s_clips_show_depth_at_the_scale_of_the_image(tmp_path: Path):
    run(tmp_path, "--format motionbert --num_poses 9 --frames 27 --keep cameras")
    files = sorted((tmp_path / "SYNTHETIC/train").glob("*.pkl"))
    assert [path.name for path in files] == [f"{number:08d}.pkl" for number in range(9)]
    run(tmp_path / "same", "--format hdf5 --num_poses 9 --frames 27 --layout h36m_17")
    with h5py.File(tmp_path / "same/poses.h5") as file:
        joints, screen, focal = file["joints_camera"][:], file["joints_screen"][:], file["camera/intrinsics"][:, 0]
    for index, path in enumerate(files):
        clip = pickle.loads(path.read_bytes())
        assert clip["data_input"] is None and clip["data_label"].shape == (27, 17, 3)
        np.testing.assert_allclose(clip["data_label"][..., :2], screen[index], atol=1e-6)
        depth = joints[index, :, :, 2]
        np.testing.assert_allclose(
            clip["data_label"][..., 2], (depth - depth[:, :1]) * focal[index] / depth[:, :1], atol=1e-5
        )


def test_mmpose_s_names_cameras_and_arrays_agree(tmp_path: Path):
    run(tmp_path, "--format mmpose --num_poses 70")
    cameras = pickle.loads((tmp_path / "cameras.pkl").read_bytes())
    with np.load(tmp_path / "mmpose.npz") as file:
        names, part, pose, center, scale = (file[key] for key in ("imgname", "part", "S", "center", "scale"))
    assert part.shape == (70, 17, 3) and pose.shape == (70, 17, 4) and pose.dtype == np.float64
    for name, pixels, joints, middle, size in zip(names, part, pose, center, scale, strict=True):
        file_name = name.split("/")[-1]  # parsed as MMPose's Human36mDataset does
        subject, rest = file_name.split("_", 1)
        _, rest = rest.split(".", 1)
        identifier, _ = rest.split("_", 1)
        camera = cameras[subject, identifier]
        rays = joints[:, :2] / joints[:, 2:3]
        np.testing.assert_allclose(rays * camera["f"].T + camera["c"].T, pixels[:, :2], atol=0.05)
        assert (np.abs(pixels[:, :2] - middle) <= 100 * size).all() and (pixels[:, 2] == 1).all()
        assert np.allclose(camera["R"] @ camera["R"].T, np.eye(3), atol=1e-6)


def test_coco_s_people_are_inside_their_boxes(tmp_path: Path):
    run(tmp_path, "--format coco --num_poses 70")
    data = json.loads((tmp_path / "person_keypoints.json").read_text())
    assert data["categories"][0]["keypoints"][:7] == [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    ]  # fmt: skip
    images = {image["id"]: image for image in data["images"]}
    assert len(images) == len(data["annotations"]) == 70
    for person in data["annotations"]:
        points = np.array(person["keypoints"]).reshape(17, 3)
        points = points[points[:, 2] == 2]
        assert person["num_keypoints"] == len(points) >= 12
        x, y, width, height = person["bbox"]
        assert (points[:, 0] >= x - 0.01).all() and (points[:, 0] <= x + width + 0.01).all()
        assert (points[:, 1] >= y - 0.01).all() and (points[:, 1] <= y + height + 0.01).all()
        assert (points[:, 0] >= 0).all() and (points[:, 0] <= images[person["image_id"]]["width"]).all()


def test_hdf5_tells_its_units_and_holds_the_world(tmp_path: Path):
    run(tmp_path, "--format hdf5 --num_poses 150 --keep seeds")
    with h5py.File(tmp_path / "poses.h5") as file:
        assert list(file.attrs["joint_names"]) == list(Skeleton("h36m_16").joints) and "metres" in file.attrs["units"]
        world, camera = (torch.from_numpy(file[name][:]) for name in ("joints_world", "joints_camera"))
        pose = [torch.from_numpy(file[f"camera/{name}"][:]) for name in ("orientation_wxyz", "translation")]
        assert len(file["kept/seed"]) == 150
    torch.testing.assert_close(world_to_camera(world, *pose), camera, atol=1e-5, rtol=0)
    torch.testing.assert_close(world[..., 2].amin(dim=-1), torch.zeros(150, 1), atol=1e-4, rtol=0)
    assert (world[:, 0, 0, :2] == 0).all()


def test_the_same_seed_gives_the_same_bytes_however_many_processes_write(tmp_path: Path, monkeypatch):
    words = "--format poseaug --num_poses 300 --shards 3 --seed 5"
    run(tmp_path / "one", words)
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        run(tmp_path / "two", words)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    monkeypatch.delenv("RANK")
    monkeypatch.delenv("WORLD_SIZE")
    other = content(run(tmp_path / "other", words.replace("--seed 5", "--seed 6")))
    assert other["shard-00000-of-00003/poseaug.npz"] != content(tmp_path / "one")["shard-00000-of-00003/poseaug.npz"]


def test_two_real_processes_write_what_one_writes(tmp_path: Path):
    words = ["--recipe", "rom", "--format", "poseaug", "--num_poses", "40000", "--shards", "2"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    for launcher, folder in (([sys.executable, "-m"], "one"), (torchrun, "two")):
        subprocess.run([*launcher, "augment.export", *words, "--out", tmp_path / folder], cwd=REPOSITORY, check=True,
                       capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_stopped_export_goes_on_without_making_finished_shards_again(tmp_path: Path):
    words = "--format poseaug --num_poses 300 --shards 3"
    whole = content(run(tmp_path / "whole", words))
    run(tmp_path / "stopped", words)
    lost = tmp_path / "stopped/shard-00001-of-00003"
    (lost / "shard.json").unlink()  # as if it had been killed while writing
    (lost / "poseaug.npz").write_bytes(b"half")
    (tmp_path / "stopped/manifest.json").unlink()
    finished = tmp_path / "stopped/shard-00000-of-00003/poseaug.npz"
    before = finished.stat().st_mtime_ns
    run(tmp_path / "stopped", words)
    assert content(tmp_path / "stopped") == whole and finished.stat().st_mtime_ns == before


def test_only_poses_inside_the_limits_are_kept_and_counted(tmp_path: Path, capsys):
    run(tmp_path, "--format poseaug --num_poses 100 --within_limits True --keep angles")
    with np.load(tmp_path / "poseaug.npz") as file:
        angles = torch.from_numpy(file["joint_angles"])
    assert joint_limits("anatomical").excess(angles).max() <= TOLERANCE_RAD + 1e-4
    told = capsys.readouterr().out
    counts = json.loads((tmp_path / "manifest.json").read_text())["shards"][0]["counts"]
    assert counts["drawn"] > counts["in view"] > counts["kept"] == 100 and f"drawn {counts['drawn']:,}" in told


def test_novel_poses_differ_from_every_recorded_one(tmp_path: Path):
    run(tmp_path, "--format hdf5 --num_poses 40 --min_novelty_mm 150")
    from augment.export_poses import standing_person

    with h5py.File(tmp_path / "poses.h5") as file:
        made = facing_the_same(torch.from_numpy(file["joints_world"][:, 0]))
    known = facing_the_same(standing_person(1).joints_world()[:, 0])
    assert (made - known).norm(dim=-1).mean(dim=-1).min() >= 0.15


@pytest.mark.parametrize(
    "words, expected",
    [
        ("--recipe norml", "--recipe norml: choose from normal, rom, limbs"),
        ("--format coco --layout h36m_17", "--layout h36m_17: choose from coco_17 in the format coco"),
        ("--keep angels", "--keep angels: choose from angles, bones, cameras, seeds"),
        ("--num_poses 0", "--num_poses 0: expected 1 or more"),
        ("--num_poses 100 --shards 3", "100 poses make 2 blocks, expected at most that many"),
        ("--num_poses 999999999999", "GB left, the export needs about"),
        ("--checkpoint none.pt", "none.pt is missing"),
        ("--checkpoint a.pt --recipe rom", "give one of them"),
        ("--nmu_poses 3", "--nmu_poses is not a flag of augment.export.*Perhaps you meant: --num_poses"),
        ("--min_novelty_mm 90000 --num_poses 5", "Only 0 of 5 poses passed the filter in 100 rounds"),
    ],
)
def test_bad_flags_are_one_sentence_and_write_no_poses(words: str, expected: str, tmp_path: Path):
    with pytest.raises((PoseFKError, ValueError, OSError), match=expected):
        run(tmp_path / "out", words)
    assert not (tmp_path / "out").exists() or set(content(tmp_path / "out")) <= {"export.json"}


def test_a_folder_of_another_export_or_of_somebody_else_is_refused(tmp_path: Path):
    run(tmp_path / "out", "--format poseaug --num_poses 10")
    before = content(tmp_path / "out")
    with pytest.raises(PoseFKError, match=r"holds another export \(--num_poses was 10, now 20\)"):
        run(tmp_path / "out", "--format poseaug --num_poses 20")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(PoseFKError, match="is a folder with other files in it"):
        run(tmp_path / "mine", "--format poseaug --num_poses 10")
    assert content(tmp_path / "out") == before and content(tmp_path / "mine") == {"notes.txt": b"mine"}


def test_a_lifter_is_trained_from_the_exported_videopose3d_files(tmp_path: Path):
    run(tmp_path / "poses", "--recipe rom --format videopose3d --num_poses 640 --layout h36m_16")
    words = (
        "--dataset h36m --recipe none --subjects_train S1 S5 S6 --subjects_test S7 --epochs 4 --batch_size 16 "
        "--posenet_name simple_baseline --posenet_width 64 --posenet_blocks 1 --figures False --threads 1"
    )
    places = ["--data_root", tmp_path / "poses", "--checkpoint", tmp_path / "run", "--data_extra_root", tmp_path]
    subprocess.run([sys.executable, "run_fk_gan.py", *words.split(), *places], cwd=REPOSITORY, check=True,
                   capture_output=True)  # fmt: skip
    lines = [json.loads(line) for path in tmp_path.rglob("results.jsonl") for line in path.read_text().splitlines()]
    tested = [line["mpjpe"] for line in lines if line["test_set"] == "h36m"]
    assert len(tested) == 4 and tested[-1] < tested[0]


def test_a_lifter_is_trained_from_the_exported_poseaug_file(tmp_path: Path):
    from posenets import build_posenet

    run(tmp_path, "--recipe rom --format poseaug --num_poses 256")
    with np.load(tmp_path / "poseaug.npz") as file:
        pose2d, pose3d = (torch.from_numpy(file[key]) for key in ("pose2d", "pose3d"))
    torch.manual_seed(0)
    posenet = build_posenet("simple_baseline", linear_size=64, num_stage=1, dropout=0.0)
    optimizer = torch.optim.Adam(posenet.parameters(), lr=1e-3)
    errors = []
    for _ in range(60):
        loss = (posenet(pose2d[:, None]) - pose3d).norm(dim=-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert errors[-1] < 0.5 * errors[0]


def test_a_checkpoint_s_own_augmenter_draws_the_poses(tmp_path: Path):
    words = (
        "--dataset demo --epochs 1 --steps_per_epoch 2 --batch_size 16 --posenet_width 16 --posenet_blocks 1 "
        "--threads 1 --generator_width 16 --critic_width_3d 16 --critic_width_2d 16 --figures False --max_reference 200"
    )
    for recipe in ("posefk", "none"):
        subprocess.run([sys.executable, "run_fk_gan.py", *words.split(), "--recipe", recipe, "--checkpoint",
                        tmp_path / recipe], cwd=REPOSITORY, check=True, capture_output=True)  # fmt: skip
    (last,) = (tmp_path / "posefk").rglob("last.pt")
    run(tmp_path / "out", f"--format poseaug --num_poses 100 --checkpoint {last}")
    first = content(tmp_path / "out")
    assert "last.pt" in json.loads((tmp_path / "out/manifest.json").read_text())["checkpoint"]
    assert content(run(tmp_path / "again", f"--format poseaug --num_poses 100 --checkpoint {last}")) == first
    (last,) = (tmp_path / "none").rglob("last.pt")
    with pytest.raises(PoseFKError, match="is of a run without augmentation"):
        run(tmp_path / "none_out", f"--checkpoint {last}")
