"""Each export format, read back by code written from the format's description."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from data.files.asf_amc import z_up
from data.files.bvh.reader import END_SITE, joint_origins, parse_bvh
from data.files.npz import load_npz_restricted
from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from kinematics import Skeleton
from kinematics.camera import project_to_2d, world_to_camera

STATIC = [4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31]  # of 32, what VideoPose3D's loader drops
Run = Callable[[Path, str], Path]


@pytest.mark.parametrize("layout, num_joints", [("h36m_17", 17), ("h36m_16", 16)])
@pytest.mark.parametrize("frames", [1, 9])
def test_videopose3d_s_loader_finds_2d_and_3d_that_agree(
    run: Run, tmp_path: Path, layout: str, num_joints: int, frames: int
):
    poses = 100 if frames == 1 else 8
    run(tmp_path, f"--format videopose3d --num_poses {poses} --layout {layout} --frames {frames}")
    positions_3d = load_npz_restricted(tmp_path / "data_3d_h36m.npz")["positions_3d"]
    file_2d = load_npz_restricted(tmp_path / "data_2d_h36m_gt.npz")
    kept = [j for j in range(32) if j not in STATIC and (num_joints == 17 or j != 14)]
    found = 0
    for subject, recordings in positions_3d.items():
        for recording, joints in recordings.items():
            views = file_2d["positions_2d"][subject][recording]
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


def test_videopose3d_keeps_the_camera_each_pose_was_drawn_with(run: Run, tmp_path: Path):
    run(tmp_path, "--format videopose3d --num_poses 100")
    positions_3d = load_npz_restricted(tmp_path / "data_3d_h36m.npz")["positions_3d"]
    cameras = load_npz_restricted(tmp_path / "data_2d_h36m_gt.npz")["cameras"]
    kept = [joint for joint in range(32) if joint not in STATIC]
    for subject, recordings in cameras.items():
        for recording, camera in recordings.items():
            joints = torch.from_numpy(positions_3d[subject][recording][:, kept])
            pose = [torch.from_numpy(camera[name]) for name in ("orientation_wxyz", "translation")]
            screen = project_to_2d(world_to_camera(joints, *pose), torch.from_numpy(camera["intrinsics"]))
            np.testing.assert_allclose(screen.numpy(), camera["joints_screen"], atol=1e-5)
    assert sum(len(camera["aspect"]) for recordings in cameras.values() for camera in recordings.values()) == 100


def test_poseaug_s_arrays_are_hip_centred_pairs(run: Run, tmp_path: Path):
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


def test_motionbert_s_clips_show_depth_at_the_scale_of_the_image(run: Run, tmp_path: Path):
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


def test_mmpose_s_names_cameras_and_arrays_agree(run: Run, tmp_path: Path):
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


def test_coco_s_people_are_inside_their_boxes(run: Run, tmp_path: Path):
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


def test_hdf5_tells_its_units_and_holds_the_world(run: Run, tmp_path: Path):
    run(tmp_path, "--format hdf5 --num_poses 150 --keep seeds")
    with h5py.File(tmp_path / "poses.h5") as file:
        assert list(file.attrs["joint_names"]) == list(Skeleton("h36m_16").joints) and "metres" in file.attrs["units"]
        world, camera = (torch.from_numpy(file[name][:]) for name in ("joints_world", "joints_camera"))
        pose = [torch.from_numpy(file[f"camera/{name}"][:]) for name in ("orientation_wxyz", "translation")]
        assert len(file["kept/seed"]) == 150
    torch.testing.assert_close(world_to_camera(world, *pose), camera, atol=1e-5, rtol=0)
    torch.testing.assert_close(world[..., 2].amin(dim=-1), torch.zeros(150, 1), atol=1e-4, rtol=0)
    assert (world[:, 0, 0, :2] == 0).all()


@pytest.mark.parametrize("words", ["--recipe range_of_motion", "--recipe limb_swap --frames 9"])
def test_bvh_plays_the_exported_clips_in_metres(run: Run, tmp_path: Path, words: str):
    run(tmp_path / "bvh", f"--format bvh --num_poses 8 {words}")
    run(tmp_path / "same", f"--format hdf5 --num_poses 8 {words}")
    with h5py.File(tmp_path / "same/poses.h5") as file:
        world, fps = file["joints_world"][:], file.attrs["fps"]
    for index, joints in enumerate(world):
        motion = parse_bvh((tmp_path / f"bvh/bvh/{index:08d}.bvh").read_text(), "clip")
        origins = joint_origins(motion)
        assert motion.fps == pytest.approx(fps, rel=1e-6) and len(motion.values) == len(joints)
        # what a person's hip and thorax are off those of a DH body: CMU's Hip lies 11 cm and more above the hip joints
        names = {"Hips": 0.2, "RightLeg" + END_SITE: 0.09, "Neck" + END_SITE: 0.09, "LeftForeArm": 0.09}
        for (name, bound), joint in zip(names.items(), (0, 3, 9, 11), strict=True):
            assert np.linalg.norm(z_up(origins[name]) - joints[:, joint], axis=-1).max() < bound, name
