"""Small real files of every kind that is read, made by the writers of the other tests, and what reads them."""

import functools
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch

import run_fk_gan
from augment.detector_noise.model import DetectorNoise
from augment.export.formats import FORMATS
from augment.export.formats.chunk import Chunk, Shard
from data.keypoints.formats import FORMATS as KEYPOINT_FORMATS
from evaluation.predict.files.arrays import write_npz
from kinematics import Skeleton
from kinematics.camera import Camera, look_at
from posenets import ScreenLifter, build_posenet
from posenets.checkpoints.files import write_checkpoint
from tests import conftest as shared
from tests.data import conftest as files
from tests.data.domains import conftest as domains
from tests.data.test_mpi_inf_3dhp import members
from tests.data.test_prepare_data_3dhp import sequence_arrays, write_mat
from tests.data.test_prepare_data_h36m import h5_bytes
from tests.data.views import conftest as views
from tests.data.views.test_ski_pose import downhill, records_of, save
from tests.lifted_clips import made_clip
from tests.tiny_cmu import FLAGS

Names = list[str]
FRAMES = 4


def _fixture(fixture: Any, *parts: Any) -> Any:
    """What a fixture gives, outside of pytest. parts: of the fixtures it asks for."""
    return fixture.__wrapped__(*parts)


walk = _fixture(domains.walk)
h36m_poses = _fixture(files.h36m_poses)
write_cdf = _fixture(files.write_cdf)


def h36m(folder: Path) -> Names:
    """VideoPose3D's two files, of four subjects."""
    subjects = {
        subject: {"Walking 1": (h36m_poses(FRAMES, seed=i) / 1000).astype(np.float32)}
        for i, subject in enumerate(("S1", "S8", "S9"))
    }
    seen = np.random.default_rng(0).uniform(100, 900, (FRAMES, 17, 3)).astype(np.float32)
    seen[..., 2] = 0.9
    pixels = {subject: {"Walking 1": [seen] * 4} for subject in subjects}
    about = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[4, 5, 6], [1, 2, 3]]}
    np.savez(folder / "data_3d_h36m.npz", positions_3d=np.array(subjects, dtype=object))
    two = {"positions_2d": np.array(pixels, dtype=object), "metadata": np.array(about, dtype=object)}
    np.savez(folder / "data_2d_h36m_cpn.npz", **two)
    return ["data_3d_h36m.npz", "data_2d_h36m_cpn.npz"]


def h36m_originals(folder: Path) -> Names:
    """CDF, its MATLAB twin, and h36m.zip."""
    place = folder / "S1/MyPoseFeatures/D3_Positions"
    place.mkdir(parents=True)
    flat = h36m_poses(FRAMES).reshape(-1, 96)
    write_cdf(place / "Walking.cdf", flat)
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = flat
    scipy.io.savemat(place / "Walking.cdf.mat", {"data": cell})
    with zipfile.ZipFile(folder / "h36m.zip", "w") as archive:
        archive.writestr("h36m/S1/MyPoses/3D_positions/Walking.h5", h5_bytes(flat))
    return ["S1/MyPoseFeatures/D3_Positions/Walking.cdf", "S1/MyPoseFeatures/D3_Positions/Walking.cdf.mat", "h36m.zip"]


def cmu_prepared(folder: Path) -> Names:
    from data.cmu.coding import EXCERPT_FORMAT, encode
    from data.cmu.prepared import FILE_FORMAT

    joints = walk(2 * FRAMES, "h36m_17").astype(np.float32)
    about = {
        "clips": np.array(["01_01", "02_01"]), "fps": np.array([60.0, 120.0]),
        "source_format": np.array(["amc", "bvh"]),
        "first_frames": np.array([0, FRAMES, 2 * FRAMES]), "usable": np.ones(2 * FRAMES, dtype=bool),
    }  # fmt: skip
    np.savez(folder / "data_3d_cmu.npz", format=FILE_FORMAT, joints_world=joints, **about)
    coded = np.concatenate([encode(joints[:FRAMES]), encode(joints[FRAMES:])], axis=2)
    np.savez(folder / "excerpt.npz", format=EXCERPT_FORMAT, second_differences=coded, **about)
    return ["data_3d_cmu.npz", "excerpt.npz"]


def capture(folder: Path) -> Names:
    """ASF, AMC and BVH of a person, loose and in archives."""
    person = files.TinyCapture(frames=3, seed=1)
    texts = {"01.asf": person.asf, "01_01.amc": person.amc, "02_01.bvh": person.bvh}
    loose = folder / "loose"
    loose.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w") as packed, tarfile.open(folder / "all.tar", "w") as tar:
        for name, text in texts.items():
            (loose / name).write_text(text)
            packed.writestr(f"subjects/{name}", text)
            tar.add(loose / name, name)
    with tarfile.open(folder / "all.tar.xz", "w:xz") as tar:
        tar.add(loose / "02_01.bvh", "02_01.bvh")
    return [*(f"loose/{name}" for name in texts), "all.zip", "all.tar", "all.tar.xz"]


def mpi_test(folder: Path) -> Names:
    """The prepared test file, SPIN's, and the official ones of MATLAB's two kinds."""
    (folder / "test_set").mkdir()
    labels = {name: np.array(["TS1"] * FRAMES) for name in ("sequence", "activity")}
    made = members(FRAMES)
    video = {f"video17_{axes}d": np.zeros((FRAMES, 17, axes)) for axes in (3, 2)}
    video["video17_3d"][:, [8, 9]] = [[-0.1, 0, 0], [-0.1, 0.45, 0]]
    video["video17_3d"][:, 10] = [-0.1, 0.9, 0]
    video |= {f"video_{name}": label for name, label in labels.items()} | {"video_valid": np.ones(FRAMES, dtype=bool)}
    np.savez(folder / "test_set/test_3dhp.npz", **made, **labels, **video)
    part, pose = np.zeros((FRAMES, 24, 3)), np.zeros((FRAMES, 24, 4))
    for i in range(24):
        part[:, i], pose[:, i] = [100 + i, 300, 1], [0.01 * i, 0.02 * i, 0, 1]
    pose[:, 2, :3], pose[:, 1, :3] = [-0.1, 0, 0], [-0.1, 0.45, 0]  # hip and knee
    image = [f"mpi_inf_3dhp_test_set/TS1/imageSequence/img_{i:06d}.jpg" for i in range(FRAMES)]
    np.savez(folder / "spin.npz", imgname=image, part=part, S=pose)
    for number in range(1, 7):
        arrays = sequence_arrays(number)
        if number == 1:
            (folder / "TS1").mkdir()
            turned = {name: array.T for name, array in arrays.items()}
            scipy.io.savemat(folder / "TS1/annot_data.mat", turned)
        else:
            write_mat(folder / f"TS{number}/annot_data.mat", arrays)
    return ["test_set/test_3dhp.npz", "spin.npz", "TS1/annot_data.mat", "TS2/annot_data.mat"]


def mpi_train(folder: Path) -> Names:
    """A sequence as it is downloaded, and the prepared file."""
    from data.mpi_inf_3dhp.official.train import read_sequence
    from data.mpi_inf_3dhp.train_set import TRAIN_FILE, arrays

    rig = _fixture(views.rig)(14)
    joints = _fixture(views.walk)(8, "mpi_inf_3dhp_28")
    place = folder / "S1/Seq1"
    views._write_calibration(place / "camera.calibration", rig)
    scipy.io.savemat(place / "annot.mat", views._annotations(joints, rig))
    recording = read_sequence(place, "S1 Seq1")
    eighth = read_sequence(place, "S8 Seq1")
    np.savez(folder / TRAIN_FILE, **arrays([recording, eighth]))
    return [TRAIN_FILE, "S1/Seq1/annot.mat", "S1/Seq1/camera.calibration"]


def ski(folder: Path) -> Names:
    joints = downhill(_fixture(views.walk), 8)
    for name in ("ski_train.h5", "ski_test.h5"):
        save(folder, records_of(joints), name)
    return ["ski_train.h5"]


def humaneva(folder: Path) -> Names:
    _fixture(domains.write_humaneva, walk)(folder, FRAMES)
    return sorted(path.name for path in folder.iterdir())


def three_dpw(folder: Path) -> Names:
    _fixture(domains.write_3dpw, walk)(folder / "3dpw/sequenceFiles/test/a_00.pkl", 25)
    (folder / "test_set").mkdir()
    joints = walk(FRAMES, "h36m_16")
    np.savez(folder / "test_set/test_3dpw.npz", pose3d=joints, pose2d=joints[..., :2])
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*"))]


def aist(folder: Path) -> Names:
    root = _fixture(domains.write_aist, walk)(folder, FRAMES)
    return [str(path.relative_to(folder)) for path in sorted(root.rglob("*.*")) if "train" not in path.name]


def keypoints(folder: Path) -> Names:
    """A file of every format."""
    frames = _fixture(shared.walking_people)(FRAMES, ((300, 340), (600, 600)))
    for name in KEYPOINT_FORMATS:
        _fixture(shared.write_keypoints)(name, folder, frames)
    return [
        str(path.relative_to(folder)) for path in sorted(folder.rglob("*.*")) if "_00000000000" not in path.name
    ] + ["openpose/my_2nd_video_000000000001_keypoints.json"]


def exported(folder: Path) -> Names:
    """Files of every export format that is read back, and what describes them."""
    count = 8
    joints = torch.from_numpy(walk(count, "h36m_17")).float()[:, None]
    position = torch.tensor([0.0, -5.0, 1.5]).expand(count, 3)
    aim = torch.tensor([0.0, 0.0, 1.0]).expand(count, 3)
    intrinsics = torch.tensor([2.0, 2.0, 0, 0, 0, 0, 0, 0, 0]).expand(count, 9)
    camera = Camera(look_at(position, aim), position, intrinsics, torch.ones(count))
    screen = camera.project(camera.world_to_camera(joints))
    names = []
    for name, form in FORMATS.items():
        if form.reader is None:
            continue
        place = folder / name
        place.mkdir()
        chunk = Chunk(joints.numpy(), screen.numpy(), camera, 0)
        written = form.write(iter([chunk]), Shard(place, Skeleton("h36m_17"), count, 1, 25.0))
        names += [f"{name}/{file}" for file in written]
        (place / "export.json").write_text(json.dumps(_IDENTITY | {"format": name}))
        shard = {"first": 0, "poses": count, "counts": {}, "files": {}}
        (place / "manifest.json").write_text(
            json.dumps(_IDENTITY | {"format": name, "fps": 25.0, "shards": [shard | {"folder": "."}]})
        )
        (place / "shard.json").write_text(json.dumps(shard))
        names += [f"{name}/{file}.json" for file in ("export", "manifest", "shard")]
    return names


_IDENTITY: dict[str, Any] = {
    "num_poses": 8, "frames": 1, "shards": 1, "seed": 0, "keep": [], "within_limits": False, "min_novelty_mm": 0.0,
    "format": "poseaug", "recipe": "posefk", "checkpoint": "", "layout": "h36m_17", "dataset": "cmu", "version": 4,
}  # fmt: skip


def detector_noise(folder: Path) -> Names:
    DetectorNoise.default().save(folder / "noise.json")
    return ["noise.json"]


def lifted(folder: Path) -> Names:
    return write_npz(made_clip(FRAMES, cut=2, camera=True), folder)


def lifters(folder: Path) -> Names:
    """Checkpoints of a lifter of ours, as now and in torch.save's two forms, and weights of an original project."""
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("simple_baseline", linear_size=4), "screen")
    write_checkpoint(folder / "ours.safetensors", lifter.to_checkpoint(1))
    torch.save(lifter.to_checkpoint(1), folder / "ours.pt")
    torch.save(lifter.to_checkpoint(1), folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save({"model_pos": build_posenet("videopose", channels=4).state_dict()}, folder / "original.bin")
    return ["ours.safetensors", "ours.pt", "old.pt", "original.bin"]


@functools.cache
def _run() -> dict[str, bytes]:
    """The files of a tiny run with a GAN."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        words = (
            f"{FLAGS} --epochs 1 --steps_per_epoch 2 --batch_size 16 --downsample 2 --threads 1 --actions walk "
            "--posenet_name simple_baseline --posenet_width 4 --posenet_blocks 1 --gan 0.1 "
            "--generator_width 4 --latent_dim 4 "
            "--critic_width_3d 4 --critic_width_2d 4 --figures False --max_reference 20 --test_sets cmux2_a "
            f"--detector_noise default --checkpoint {folder}"
        )
        run_fk_gan.main(words.split())
        place = next(Path(folder).rglob("settings.json")).parent
        return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("last*") if path.is_file()}


def run_states(folder: Path) -> Names:
    """What a run is gone on with."""
    for name, content in _run().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return list(_run())


SEEDS: dict[str, Callable[[Path], Names]] = {
    seeds.__name__: seeds
    for seeds in (
        h36m, h36m_originals, cmu_prepared, capture, mpi_test, mpi_train, ski, humaneva, three_dpw, aist, keypoints,
        exported, lifted, detector_noise, lifters, run_states,
    )
}  # fmt: skip
