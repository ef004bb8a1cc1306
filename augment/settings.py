"""What the augmentation does, and the recipes."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from augment.bodies import BodiesName
from augment.cameras import WideCameraRanges
from augment.gan.generator import RotationMode
from kinematics.errors import choose


@dataclass(frozen=True)
class Mixture:
    """Shares of the pose sources in a synthetic batch; only their ratios matter, 0 switches a source off."""

    gan: float = 0.0
    """Poses of the trained generator."""
    angle_swap: float = 0.0
    """Real poses, limbs exchanged and turned in joint-angle space, inside anatomical limits."""
    limb_swap: float = 0.0
    """Real poses, limbs exchanged and turned on the joints themselves (keeps real shoulders exactly)."""
    range_of_motion: float = 0.0
    """Poses from the range-of-motion table, no data needed."""
    clipped_normal: float = 0.0
    """The original's method "normal"."""
    real: float = 0.0
    """Real poses as they are, seen by new cameras."""
    sources: tuple[str, ...] = ()
    """Shares of further sources, NAME=SHARE each: those that --plugins register."""

    def shares(self) -> dict[str, float]:
        """Source -> share, summing to 1; sources that are off are left out."""
        weights: dict[str, Any] = {name: getattr(self, name) for name in BUILT_IN_SOURCES}
        for name, equals, share in (entry.partition("=") for entry in self.sources):
            if not (name and equals):
                raise ValueError(f"--sources {name}: expected NAME=SHARE, as in --sources {name or 'mine'}=0.5.")
            weights[name] = share
        shares = {name: _share(name, weight) for name, weight in weights.items()}
        total = sum(shares.values())
        return {name: share / total for name, share in shares.items() if share} if total else {}


BUILT_IN_SOURCES = tuple(entry.name for entry in fields(Mixture) if entry.name != "sources")


def _share(name: str, weight: Any) -> float:
    try:
        if 0 <= float(weight) < math.inf:
            return float(weight)
    except ValueError:
        pass
    raise ValueError(f"The share of the source {name} is {weight}: expected a number of 0 or more.")


@dataclass(frozen=True)
class GanSettings:
    """The generator, its critics and how they learn."""

    latent_dim: int = 128
    """Size of the generator's latent."""
    generator_width: int = 256
    """Width of the generator (published default 1000, README 256)."""
    critic_width_3d: int = 256
    """Width of the 3D critic."""
    critic_width_2d: int = 256
    """Width of the 2D critic."""
    motion_critic_width: int = 256
    """Width of the motion critics (clips only; published default 1000)."""
    key_every: int = 4
    """Clips: frames between control points of the generator's trajectories; 0: every frame by itself, as published."""
    critic_frames: int = 4
    """Clips: frames of each that the critics of single poses see, drawn at random; 0: all, as published."""
    gan_time_reversal: bool = True
    """Clips: show the motion critics every clip backwards in time as well."""
    lr_generator: float = 1e-4
    """Adam learning rate of the generator."""
    lr_critic: float = 1e-4
    """Adam learning rate of the critics."""
    betas: tuple[float, float] = (0.5, 0.9)
    """Adam betas of all three nets."""
    penalty_weight: float = 10.0
    """Lambda of the gradient penalty."""
    generator_every: int = 5
    """One generator step in so many updates."""
    weight_2d: float = 0.2
    """Weight of the 2D critic in the generator's loss; the 3D critic's is 1."""
    limits: Literal["dh-aug", "anatomical"] = "anatomical"
    """Table of joint limits the generator's angles stay in."""
    learn_bones: bool = False
    """Let the generator choose 8 bone factors, judged by the critics; otherwise `bodies` draws them."""
    global_rotation: RotationMode = "upright"
    """euler: three angles of +-180 degrees as published; upright: any heading and a learned tilt."""
    max_tilt: float = math.pi / 2
    """Largest tilt about each level axis, radians (upright)."""
    root: Literal["learned", "on_ground"] = "on_ground"
    """learned: the hip is the generator's, within 10 m of a real one; on_ground: on the floor where a real pose
    stood."""
    heading: Literal["world", "random"] = "random"
    """What the 3D critic sees: world axes as published, or all poses, real and synthetic, at random headings."""


@dataclass(frozen=True)
class AugmentSettings:
    """How synthetic poses are made."""

    mixture: Mixture = field(default_factory=Mixture)
    """Where poses come from."""
    cameras: Literal["dataset", "wide"] = "wide"
    """Cameras of the synthetic poses."""
    one_camera_per_batch: bool = False
    """cameras=dataset: one camera for a whole batch, as published, instead of one per pose."""
    wide: WideCameraRanges = field(default_factory=WideCameraRanges)
    """Ranges of the wide cameras."""
    bodies: BodiesName = "population"
    """Bone lengths: keep the real ones, templates (8 shared factors), or population."""
    bone_spread: float = 0.2
    """Half width of the 8 factors (templates and the generator's own)."""
    new_bodies_for_real: bool = False
    """Give the source `real` new bone lengths too."""
    exchange: float = 0.5
    """angle_swap, limb_swap: probability with which each limb comes from another pose."""
    turn_sd: float = 0.6
    """angle_swap, limb_swap: random turning, radians, standard deviation per angle or axis."""
    tilt_sd: float = 0.3
    """angle_swap, limb_swap, range_of_motion: tilt of the whole body about both level axes, radians, standard
    deviation."""
    balance_probability: float = 0.0
    """angle_swap, limb_swap, range_of_motion: part of the poses, 0 to 1, leaned until the centre of mass is over the
    feet instead."""
    lean_sd: float = 0.1
    """How far these are are off balance, radians about both level axes, standard deviation."""
    orientation_share: float = 0.0
    """Part of the synthetic poses, 0 to 1, turned to any orientation: a lifter that never saw a body upside down makes
    one of several metres of it."""
    redraws: int = 0
    """How often poses whose limbs go through each other are drawn anew; the rest of them stays as it is."""
    definition_share: float = 0.0
    """Part of the synthetic poses, 0 to 1, whose hips, spine, thorax, head and shoulders are where other data sets and
    detectors put them (docs/conventions.md), at random, alike in a clip."""
    definition_width: float = 1.0
    """How far these differ from the data's own: 1 spans the definitions that are in use, 0.5 half of that."""
    near: float = 0.5
    """Nearest a joint may be to its camera, metres."""
    keep_in_image: bool = True
    """Drop poses with a joint outside the image."""
    tries: int = 5
    """How often poses that cannot be photographed are drawn anew."""
    synthetic_share: float = 0.5
    """Part of each training batch that is synthetic (mixed schedule)."""
    schedule: Literal["none", "mixed", "alternate"] = "mixed"
    """mixed: real and synthetic in every batch; alternate: an epoch of fakes, then one of reals, as published."""
    max_reference: int = 20000
    """Real poses kept as partners and models of synthetic ones; of long clips a million frames at most."""
    smooth_tracks: bool = False
    """Smooth the joints of real clips that synthetic ones are made from (over 2 frames, sd), as runs without 3D labels
    do: triangulated joints jitter."""
    detector_noise: str = "auto"
    """Error of a detector put on the 2D the lifter learns from: auto (synthetic poses get the error of the training
    data's detections; none where these are projections, as gt is), none, default (not measured) or a JSON file of
    DetectorNoise.save; the last two go on real poses as well where their 2D is a projection."""
    gan: GanSettings = field(default_factory=GanSettings)
    """The GAN."""


_DH_AUG = AugmentSettings(
    mixture=Mixture(gan=1.0), cameras="dataset", one_camera_per_batch=True, bodies="templates", tilt_sd=0.0,
    detector_noise="none", schedule="alternate",
    gan=GanSettings(
        limits="dh-aug", global_rotation="euler", max_tilt=math.pi, root="learned", heading="world", key_every=0,
        critic_frames=0,
    ),
)  # fmt: skip

RECIPES: dict[str, AugmentSettings] = {
    "none": AugmentSettings(schedule="none", synthetic_share=0.0),
    "dh-aug": _DH_AUG,
    "posefk": AugmentSettings(
        mixture=Mixture(real=0.2, limb_swap=0.5, range_of_motion=0.2), turn_sd=0.3, tilt_sd=0.4,
        balance_probability=0.9, synthetic_share=0.7, definition_share=0.3, redraws=1,
        orientation_share=0.05,
    ),
}  # fmt: skip
# The original's --data_enhancement_method normal: random DH poses instead of the GAN's, the rest as dh-aug.
METHOD_NORMAL = replace(_DH_AUG, mixture=Mixture(clipped_normal=1.0))


def recipe(name: str) -> AugmentSettings:
    return RECIPES[choose("--recipe", name, RECIPES)]
