"""Draw an export's poses chunk by chunk, each from random numbers of its own, numbered by seed and chunk."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from augment.augmenter import Augmenter
from augment.export.checks import check_numbers, check_poses
from augment.export.formats.chunk import CAMERA_BYTES, Chunk
from augment.settings import METHOD_NORMAL, RECIPES, AugmentSettings, Mixture
from augment.stored import stored_augmenter, why_no_augmenter
from augment.visible import PIECE
from data import DataSettings, PoseBatch, PoseDataset, load_dataset
from kinematics import Camera, PoseFKError, Skeleton, bone_lengths, joint_angles_from_joints, joint_limits
from kinematics.batch_last import stack, to_batch_first, to_batch_last
from kinematics.camera import look_at
from kinematics.head import from_body
from kinematics.heading import align_heading
from kinematics.human import DHHuman
from kinematics.joints import J
from kinematics.limits import FIT_TOLERANCE_RAD
from kinematics.stature import average_bone_lengths
from posenets.checkpoints.files import read_checkpoint

_POSEFK = RECIPES["posefk"]
_WIDE = replace(METHOD_NORMAL, cameras="wide", one_camera_per_batch=False, bodies="population")
# What can be drawn without a trained generator. clipped_normal and range_of_motion need no recorded poses.
EXPORT_RECIPES: dict[str, AugmentSettings] = {
    "clipped_normal": _WIDE,
    "range_of_motion": replace(_POSEFK, mixture=Mixture(range_of_motion=1.0)),
    "limb_swap": replace(_POSEFK, mixture=Mixture(limb_swap=0.6, range_of_motion=0.3)),
}
WITHOUT_DATA = ("clipped_normal", "range_of_motion")
KEEP = ("angles", "bones", "cameras", "definitions", "seeds")
STANDING_FPS = 50.0
TRIES = 100
LEAST = 1024  # poses drawn at once even where few are missing


@dataclass
class Rules:
    """within_limits: all fitted angles are anatomical; novelty: least mean joint distance to recorded poses, metres.

    definition_share: part of the poses in random joint definitions, whatever a recipe says: a set is of one kind.
    """

    within_limits: bool = False
    novelty: float = 0.0
    definition_share: float = 0.0


class PoseStream:
    """Draws chunks. frames: T; fps: of clips; counts: poses drawn, and left after each line of the filter."""

    def __init__(self, augmenter: Augmenter, frames: int, fps: float, seed: int, rules: Rules) -> None:
        self.augmenter, self.frames, self.fps, self.seed, self.rules = augmenter, frames, fps, seed, rules
        self.counts: Counter[str] = Counter()
        self._limits = joint_limits("anatomical")

    @classmethod
    def from_recipe(cls, name: str, data: DataSettings, frames: int, seed: int, rules: Rules) -> "PoseStream":
        """One of EXPORT_RECIPES. data: where recorded poses are, for the recipes that need them."""
        settings = replace(EXPORT_RECIPES[name], definition_share=rules.definition_share)
        if name in WITHOUT_DATA:
            return cls(Augmenter(settings, standing_person(frames), seed=seed), frames, STANDING_FPS, seed, rules)
        real, fps = recorded_poses(data, frames)
        return cls(Augmenter(settings, real, seed=seed), frames, fps, seed, rules)

    @classmethod
    def from_checkpoint(cls, path: Path, data_root: str, seed: int, rules: Rules) -> "PoseStream":
        """Build the augmenter of a run, from its last.safetensors; the run's own data set has to be there."""
        content = read_checkpoint(path)
        missing = why_no_augmenter(content)
        if missing:
            raise PoseFKError(f"{path} {missing}")
        stored = stored_augmenter(content, path)
        data, frames = replace(stored.data, data_root=data_root), stored.frames
        real, fps = recorded_poses(data, frames)
        settings = replace(stored.settings, definition_share=rules.definition_share)
        augmenter = Augmenter(settings, real, seed=data.seed)
        augmenter.load_state_dict(stored.fresh_state)
        return cls(augmenter, frames, fps, seed, rules)

    @property
    def recorded(self) -> str:
        """A digest of the recorded poses that poses are made of and cameras taken from, and of the detector's noise."""
        reference = self.augmenter.reference
        digest = hashlib.sha256(repr((self.fps, self.augmenter.detector_noise)).encode())
        cameras = (getattr(reference.camera, part.name) for part in fields(Camera))
        for tensor in (reference.joints_world, *cameras):
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.cpu().contiguous().numpy().data)
        return f"sha256 {digest.hexdigest()}"

    @torch.inference_mode()
    def chunk(self, number: int, first: int, count: int, layout: Skeleton, keep: tuple[str, ...]) -> Chunk:
        """Chunk `number` of the export: `count` poses, the first of which is the export's pose `first`."""
        seed = _seed_of(self.seed, number)
        generator = torch.Generator().manual_seed(seed)
        batch = self._filtered(count, generator)
        assert batch.camera is not None
        joints = (count, batch.frames, layout.num_joints)
        joints_world, screen, camera_places = (torch.empty(size) for size in ((*joints, 3), (*joints, 2), (count, 3)))
        for start in range(0, count, PIECE):
            piece = batch[start : start + PIECE]
            check_poses(piece.joints_3d, first + start)
            placed = _placed(piece, layout)
            for target, part in zip((joints_world, screen, camera_places), placed, strict=True):
                target[start : start + PIECE].flatten(1).copy_(part.flatten(1))
        camera = replace(batch.camera.each(to_batch_first), translation=camera_places)
        check_numbers(screen, camera)
        chunk = Chunk(joints_world.numpy(), screen.numpy(), camera, first)
        chunk.kept.update(_kept(batch, chunk, keep, seed))
        return chunk

    def _filtered(self, count: int, generator: torch.Generator) -> PoseBatch:
        kept: list[PoseBatch] = []
        missing = count
        for _ in range(TRIES):
            batch = self.augmenter.sample(max(missing, min(count, LEAST)), generator, batch_last=True)
            drawn, acceptance = self.augmenter.drawn, self.augmenter.acceptance
            self.counts["drawn"] += sum(drawn.values())
            self.counts["in view"] += sum(round(acceptance[source] * drawn[source]) for source in drawn)
            batch = self._novel(self._inside(batch))[:missing]
            kept.append(batch)
            missing -= len(batch)
            if not missing:
                self.counts["kept"] += count
                return kept[0] if len(kept) == 1 else PoseBatch.cat(kept)  # one needs no copy
        raise PoseFKError(
            f"Only {count - missing} of {count} poses passed the filter in {TRIES} rounds: lower --min_novelty_mm or "
            "leave --within_limits out."
        )

    def _inside(self, batch: PoseBatch) -> PoseBatch:
        if not self.rules.within_limits:
            return batch
        angles = joint_angles_from_joints(_world(batch)).joint_angles
        good = (self._limits.excess(angles) <= FIT_TOLERANCE_RAD).flatten(1).all(dim=1)
        self.counts["within limits"] += int(good.sum())
        return batch[good.nonzero().squeeze(1)]

    def _novel(self, batch: PoseBatch) -> PoseBatch:
        if not self.rules.novelty:
            return batch
        middle = self.frames // 2
        known = align_heading(self.augmenter.reference.joints_world[:, middle])
        made = align_heading(_world(batch)[:, middle])
        nearest = torch.stack([(known - pose).norm(dim=-1).mean(dim=-1).amin() for pose in made]) if len(made) else made
        good = (nearest >= self.rules.novelty).nonzero().squeeze(1) if len(made) else torch.arange(0)
        self.counts["novel"] += len(good)
        return batch[good]


def standing_person(frames: int) -> PoseBatch:
    """Build an average adult at rest, seen from 4 m: the reference of recipes that need no recorded poses."""
    lengths = average_bone_lengths()
    joints = DHHuman()(torch.zeros(28), lengths, torch.zeros(3), torch.zeros(3))
    joints = joints - torch.tensor([0.0, 0.0, float(joints[:, 2].min())])
    place = torch.tensor([0.0, -4.0, 1.5])
    camera = Camera(look_at(place, joints[J.HIP]), place, torch.tensor([2.0, 2.0] + [0.0] * 7), torch.tensor(1.0))
    world = joints.expand(1, frames, -1, -1)
    batched = Camera.stack([camera])
    seen = batched.world_to_camera(world)
    return PoseBatch.of(seen, batched.project(seen), batched)


def recorded_poses(data: DataSettings, frames: int) -> tuple[PoseDataset, float]:
    """Load the training clips of a data set, and their frames a second."""
    recordings = load_dataset(data.dataset, data).train
    return PoseDataset.from_recordings(recordings, "h36m_16", frames, target=frames // 2), recordings[0].fps


def _seed_of(seed: int, number: int) -> int:
    """A generator's seed for one chunk: the first eight bytes of a hash."""
    return int.from_bytes(hashlib.sha256(f"posefk export {seed} {number}".encode()).digest()[:8], "little") >> 1


def _world(batch: PoseBatch) -> Tensor:
    """World joints of the body, laid out so that a pose's digits do not depend on the others."""
    return batch.map_tensors(to_batch_first).joints_world()


def _placed(batch: PoseBatch, layout: Skeleton) -> tuple[Tensor, Tensor, Tensor]:
    """World joints (N, T, J, 3) of a layout with the first hip over the origin, screen joints (N, T, J, 2), and where
    the cameras then are, (N, 3); metres, screen."""
    assert batch.camera is not None
    camera, joints = batch.camera.each(to_batch_last), from_body(to_batch_last(batch.joints_3d), layout)
    screen = batch.joints_2d if layout == batch.skeleton else camera.project(joints)
    hip_x, hip_y, _ = camera.camera_to_world(to_batch_last(batch.joints_3d[:, :1, J.HIP, None]))[:, 0, 0].unbind(-1)
    x, y, z = camera.translation.unbind(-1)
    moved = stack([x - hip_x, y - hip_y, z], -1, joints)
    return replace(camera, translation=moved).camera_to_world(joints), screen, moved


def _kept(batch: PoseBatch, chunk: Chunk, keep: tuple[str, ...], seed: int) -> dict[str, np.ndarray]:
    """Compute the arrays that --keep asked for, (N, ...). Angles are of the DH body that fits the joints best."""
    kept: dict[str, np.ndarray] = {}
    joints_world = _world(batch) if {"angles", "bones"} & {*keep} else torch.empty(0)
    if "angles" in keep:
        fit = joint_angles_from_joints(joints_world)
        kept["joint_angles"], kept["global_rotation"] = fit.joint_angles.numpy(), fit.global_rotation.numpy()
    if "bones" in keep:
        kept["bone_lengths"] = bone_lengths(joints_world).mean(dim=1).numpy()
    if "cameras" in keep:
        kept.update({f"camera_{name}": array for name, array in chunk.camera_arrays().items()})
    if "definitions" in keep:
        kept["joint_definition"] = batch.definitions().contiguous().numpy()
    if "seeds" in keep:
        kept["seed"] = np.full(len(chunk), seed, dtype=np.int64)
        kept["row"] = np.arange(len(chunk), dtype=np.int64)
    return kept


def kept_bytes(keep: Sequence[str], frames: int) -> list[int]:
    """Count the bytes of each kept array for one pose or clip."""
    arrays = {
        "angles": (4 * 28 * frames, 4 * 3 * frames),
        "bones": (4 * 15,),
        "cameras": CAMERA_BYTES,
        "definitions": (4 * 14,),
        "seeds": (8, 8),
    }
    return [size for name in keep for size in arrays[name]]
