"""The settings of a run as dataclasses: what there is to choose, its default and its unit (the texts of --help)."""

import math
from dataclasses import dataclass, field
from typing import Literal

from augment.settings import AugmentSettings
from data import DataSettings


@dataclass
class LifterSettings:
    """The network that lifts 2D to 3D."""

    posenet_name: str = "videopose"
    """Lifter: videopose, simple_baseline (mlp; martinez: as first published), sem_gcn (gcn), st_gcn, poseformer,
    seq2seq, or of several cameras esmformer."""
    frames: int = 1
    """Frames one prediction sees: 1 for simple_baseline and sem_gcn, a power of 3 for videopose, any for the others."""
    filter_widths: tuple[int, ...] = ()
    """videopose: widths of its filters, such as 3 3 3, instead of --frames, which is their product."""
    causal: bool = False
    """videopose: see past frames only and predict the last."""
    middle_frame: bool = False
    """seq2seq: predict the middle frame of its window instead of the last one, which is the published answer."""
    posenet_width: int | None = None
    """Units per layer; None: as published."""
    posenet_blocks: int | None = None
    """Number of blocks (simple_baseline, sem_gcn; esmformer: in each of its six stacks) or of filters (videopose);
    None: as published."""
    smfe: tuple[int, ...] = ()
    """esmformer: blocks of the three levels inside each view; published 5 5 5."""
    milf: tuple[int, ...] = ()
    """esmformer: blocks of the three levels over the frames; published 2 2 2."""
    d_hid: int | None = None
    """esmformer: hidden units of the MLPs over the frames; None: twice the width."""
    mvf_kernel: int | None = None
    """esmformer: frames and channels a fused entry sees, an odd number; None: as published, 7."""
    dropout: float | None = None
    """Share of units dropped while training, 0 to under 1; None: as published."""
    input_layout: str | None = None
    """Joints the lifter reads: None for those it predicts, or coco_17, the keypoints of detectors, put on the same
    poses."""
    normalized: bool = False
    """simple_baseline: compute in standard deviations from the mean training pose, kept beside the weights."""
    input_mode: str = "screen"
    """What the lifter sees: screen, root (minus the hip), root_placed (and where the hip is), root_scaled (by size),
    virtual_camera (looking at the hip, scaled); of several cameras screen, or rays (points in space, whose
    triangulation it corrects)."""

    confidence: bool = False
    """Read the detector's confidence of every joint beside its place (published lifters do not)."""

    @property
    def window(self) -> int:
        """Frames one prediction sees, however they were given."""
        return math.prod(self.filter_widths) if self.filter_widths and self.frames == 1 else self.frames


@dataclass
class LearningSettings:
    """How the lifter learns."""

    epochs: int = 10
    """Epochs in which the lifter learns."""
    updates: int | None = None
    """Updates of the lifter in all its epochs together (a batch and its mirror image are two); None: by rule from the
    number of training poses, unless epochs or steps_per_epoch are given; 0: as those say."""
    additional_epochs: int = 0
    """Epochs appended at the end of the linear schedule, each at additional_lr_decay times the rate before (DH-AUG)."""
    additional_lr_decay: float = 0.95
    """Factor on the learning rate in each additional epoch."""
    warmup: int = 0
    """Epochs before those in which only the GAN learns."""
    motion_warmup: int = 0
    """Clips: epochs of warm-up before the motion critics join; `warmup` epochs with all critics follow."""
    steps_per_epoch: int = 0
    """Batches per epoch; 0: one pass over the training poses."""
    batch_size: int = 1024
    """Poses per batch, over all processes together."""
    lr: float = 1e-3
    """Learning rate of Adam at the start."""
    lr_schedule: Literal["cosine", "linear", "exponential", "staircase", "constant"] = "cosine"
    """Learning rate over the run: cosine or linear to 0, times lr_decay per epoch (exponential) or per
    lr_decay_steps updates (staircase), or constant."""
    lr_decay: float = 0.99
    """Factor of the exponential and staircase schedules (giving it chooses exponential where the other is not set)."""
    lr_decay_large: float = 0.5
    """Factor of the exponential schedule instead of lr_decay after every large_decay_epoch-th epoch (ESMformer)."""
    large_decay_epoch: int = 0
    """Epochs from one large decay to the next; 0: none."""
    lr_decay_steps: int = 100_000
    """Updates of the lifter from one step of the staircase to the next."""
    loss: Literal["mpjpe", "mse", "standard_mse"] = "mpjpe"
    """Loss: mean distance of joints (mpjpe, metres), mean squared coordinate error (mse), or that in each coordinate's
    standard deviation (standard_mse: seq2seq, normalized simple_baseline)."""
    loss_frames: Literal["target", "all"] = "target"
    """Frames of a window the loss is about: the one that is predicted, or all (seq2seq, st_gcn)."""
    difference_weight: float = 0.0
    """loss_frames=all: weight of the same loss on the displacements from frame to frame."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW); 0: Adam."""
    amsgrad: bool = False
    """Adam with the largest second moment so far (ESMformer)."""
    flip_augment: Literal["separate", "concatenated", "none"] = "separate"
    """Left-right mirrored copies: an update of their own, in the same update, or none."""
    time_reversal: bool = False
    """Clips: learn each of them backwards in time as well, in updates of their own (DH-AUG's video mode)."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm; 0: never."""
    max_norm: float = 0.0
    """The weights that each unit reads with are scaled down to this norm after every update; 0: never."""
    ema: float = 0.0
    """Decay per update of the averaged weights that are evaluated; 0: evaluate the weights themselves."""
    known_focal: float = 0.0
    """Share of training poses whose camera intrinsics the lifter is told, 0 to under 1, so that afterwards it works
    with and without; both are evaluated. 0: it never reads any."""
    gan_interval: int = 1
    """Batches of the lifter for each batch the GAN learns from (in its warm-up it learns from every one); synthetic
    poses are drawn for as many batches at once."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Numbers inside the lifter on a GPU; bfloat16 is ignored on the CPU."""


@dataclass
class SelfSupervisionSettings:
    """How a lifter of several cameras learns without 3D labels."""

    self_supervised: bool = False
    """Take the 3D labels away and learn from what the views say of each other."""
    tri_loss: bool = False
    """Hold predictions against the triangulated joints."""
    reproj_loss: bool = False
    """Hold predictions against the 2D of every view (also if neither loss is asked for)."""
    loss_w: float = 0.8
    """Weight of tri_loss where both are used, 0 to 1; the rest is reproj_loss's."""
    adaptive_loss: bool = False
    """Let samples whose views contradict each other count less and less."""
    noisier2noise: Literal["auto", "on", "off"] = "auto"
    """Show the lifter the 2D with the error of --detector_noise once more and hold it against the 2D without, so that
    it learns to take errors off; auto: with input_mode rays. off: as published."""


@dataclass
class OutputSettings:
    """What a run judges and writes."""

    checkpoint: str = "./checkpoint"
    """Folder under which the run's own folder <lifter>/<keypoints>/<time>_<recipe> is made."""
    note: str = ""
    """Word at the end of the run's folder name; empty: the recipe."""
    test_sets: tuple[str, ...] = ()
    """Test sets; empty: those of the data set, and 3dhp where it is prepared."""
    checkpoint_minutes: float = 10.0
    """Minutes of learning after which last.safetensors is written anew inside an epoch; 0: only after epochs."""
    keep: int = 2
    """States of the run that are kept: last.safetensors, last.previous.safetensors, last.previous2.safetensors, ..."""
    eval_every: int = 1
    """Evaluate after every n-th epoch (and after the last)."""
    test_noise: str = "none"
    """Error of a detector put on the projected 2D of the test sets, once and for every run alike: none, default (not
    measured) or a JSON file of DetectorNoise.save."""
    test_flip: bool = True
    """Average each prediction with that of the mirror image."""
    figures: bool = True
    """Draw figures and TensorBoard pictures."""


@dataclass
class Settings:
    """PoseFK: train a 2D-to-3D pose lifter, augmented with poses of real people, a Denavit-Hartenberg body or a GAN.

    Defaults are those of the data set, the lifter and the recipe named beside --help.
    """

    recipe: str = "posefk"
    """Augmentation: none, dh-aug (as published, its defects fixed) or posefk. Fills what is not given here."""
    as_published: bool = False
    """Train the lifter with its published batch size, learning rate, dropout and length."""
    compare: tuple[str, ...] = ()
    """Recipes to train one after the other on the same data, ending in one table."""
    data: DataSettings = field(default_factory=DataSettings)
    lifter: LifterSettings = field(default_factory=LifterSettings)
    learning: LearningSettings = field(default_factory=LearningSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    self_supervision: SelfSupervisionSettings = field(default_factory=SelfSupervisionSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    evaluate: str = ""
    """Checkpoint to evaluate instead of training (also looked for in --checkpoint)."""
    resume: str = ""
    """Folder (or last.safetensors) of a run to continue; its settings are kept."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: int = 0
    """CPU threads; 0: PyTorch's own choice."""
    shard_data: bool = False
    """Let each process of torchrun keep only its share of the training recordings, not all of them."""
    explain: bool = False
    """Print every setting and where its value comes from, and stop."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for lifters, data sets and sources they register."""

    @property
    def seed(self) -> int:
        return self.data.seed
