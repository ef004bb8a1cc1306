"""What settings cannot be: refused in one sentence before anything is read or written."""

import math
import re

from augment.detector_noise.detections import check_setting
from augment.settings import RECIPES
from augment.sources.registry import mixture_sources
from data import DATA_SOURCES
from evaluation.evaluate import TEST_NOISES
from kinematics.errors import choose
from posenets import ALIASES, INPUT_MODES, LIFTERS, VIEW_MODES, get_spec, lifter_names
from posenets.inputs.layouts import INPUT_LAYOUTS
from training.config.settings import Settings

WIDEST_FILTER = 99  # frames; wider ones are the widths of all layers written as one
MOST_EPOCHS = 10**6


def check(settings: Settings) -> None:
    check_values(settings)
    check_setting(settings.augment.detector_noise)
    check_setting(settings.output.test_noise, "test_noise", TEST_NOISES)


def check_values(settings: Settings) -> None:
    """Refuse values that cannot work without looking at files: a run that goes on has its noise inside."""
    lifter = settings.lifter
    for recipe in (settings.recipe, *settings.compare):
        choose("--recipe", recipe, RECIPES)
    choose("--posenet_name", lifter.posenet_name, [*LIFTERS, *ALIASES])
    choose("--input_mode", lifter.input_mode, VIEW_MODES if get_spec(lifter.posenet_name).multi_view else INPUT_MODES)
    _check_views(settings)
    _check_keypoints(settings)
    _check_num_joints(settings)
    if lifter.input_layout:
        _check_input_layout(settings, lifter.input_layout)
    if max(lifter.filter_widths, default=0) > WIDEST_FILTER:
        raise ValueError(
            f"--filter_widths {max(lifter.filter_widths)}: a layer of that many frames would take all memory; the "
            "width of each layer is a number by itself, such as --filter_widths 3 3 3."
        )
    if lifter.filter_widths and lifter.frames not in (1, math.prod(lifter.filter_widths)):
        raise ValueError(f"--frames {lifter.frames} is not the product of --filter_widths: leave one of them out.")
    choose("--device", settings.device.split(":")[0], ("auto", "cpu", "cuda"))
    if re.search(r"[/\\\s]", settings.output.note):
        raise ValueError(f"--note {settings.output.note!r}: expected one word without spaces and slashes.")
    _check_numbers(settings)
    mixture_sources(settings.augment.mixture)


def _check_views(settings: Settings) -> None:
    """Lifters of one camera and of several get what they read, and learning without labels several cameras."""
    name, views, alone = settings.lifter.posenet_name, settings.data.views, settings.self_supervision
    multi_view, of_views = get_spec(name).multi_view, ", ".join(lifter_names(True))
    if multi_view and views < 2:
        raise ValueError(f"--views {views}: {name} needs two or more cameras; for one choose another lifter.")
    if not multi_view and views != 1:
        raise ValueError(f"--views {views}: {name} sees one camera; choose {of_views}.")
    if alone.self_supervised and not multi_view:
        raise ValueError(f"--self_supervised True needs several views, {name} sees one: choose {of_views}.")
    for flag in ("tri_loss", "reproj_loss", "adaptive_loss"):
        if getattr(alone, flag) and not alone.self_supervised:
            raise ValueError(f"--{flag} True is a part of learning without labels: add --self_supervised True.")
    if alone.adaptive_loss and settings.shard_data:
        raise ValueError("--adaptive_loss True weighs samples that all processes have: leave --shard_data out.")
    if not 0 <= alone.loss_w <= 1:
        raise ValueError(f"--loss_w {alone.loss_w}: expected a share from 0 to 1.")


def _check_keypoints(settings: Settings) -> None:
    """A run that neither learns from a data set with detections nor is tested on one would not read them."""
    keypoints, dataset = settings.data.keypoints, settings.data.dataset
    detected = {name for name, source in DATA_SOURCES.items() if source.has_detections}
    if keypoints != "gt" and not detected & {dataset, *settings.output.test_sets}:
        raise ValueError(
            f"--keypoints {keypoints}: {dataset} has no detector's 2D, only gt; --detector_noise default puts an error "
            "on it, and detections of Human3.6M go with --dataset h36m."
        )


def _check_num_joints(settings: Settings) -> None:
    """Refuse joints that the data set does not have, and bodies that no recipe makes."""
    count, source = settings.data.num_joints, DATA_SOURCES.get(settings.data.dataset)
    if source is not None and count not in source.taught_joints:
        taught = " or ".join(map(str, source.taught_joints))
        raise ValueError(f"--num_joints {count}: {settings.data.dataset} teaches {taught} joints, the others it lacks.")
    if count == 15 and {settings.recipe, *settings.compare} != {"none"}:
        raise ValueError("--num_joints 15: synthetic bodies have 16 joints; learn from real ones alone: --recipe none.")


def _check_input_layout(settings: Settings, name: str) -> None:
    """Joints that are not the data's are put on its 3D poses and projected: nothing else can be read."""
    choose("--input_layout", name, INPUT_LAYOUTS)
    only = {
        "keypoints": (settings.data.keypoints, ("gt",)), "num_joints": (settings.data.num_joints, (16,)),
    }  # fmt: skip
    for flag, (value, possible) in only.items():
        if value not in possible:
            raise ValueError(f"--{flag} {value}: --input_layout {name} goes with --{flag} {possible[0]} only.")


def _check_numbers(settings: Settings) -> None:
    """Refuse numbers that make no run, or one that ends no machine's work. None: as published."""
    for name, (value, smallest, largest) in _ranges(settings).items():
        if value is not None and not value >= smallest:  # also catches NaN
            raise ValueError(f"--{name} {value}: expected at least {smallest}.")
        if value is not None and value > largest:
            raise ValueError(f"--{name} {value}: expected at most {largest}.")
    learning, lifter, dropout = settings.learning, settings.lifter, settings.lifter.dropout
    if not 0 < learning.lr < 1:
        raise ValueError(f"--lr {learning.lr}: expected a learning rate between 0 and 1.")
    if not 0 <= learning.ema < 1:
        raise ValueError(f"--ema {learning.ema}: expected a decay from 0 to under 1.")
    if not 0 <= learning.known_focal < 1:
        raise ValueError(f"--known_focal {learning.known_focal}: expected a share from 0 to under 1.")
    if learning.known_focal and lifter.input_mode == "rays":
        raise ValueError(
            f"--known_focal {learning.known_focal}: --input_mode rays always reads the cameras, leave it out."
        )
    for name in ("synthetic_share", "definition_share", "orientation_share"):
        if not 0 <= getattr(settings.augment, name) <= 1:
            raise ValueError(f"--{name} {getattr(settings.augment, name)}: expected a share from 0 to 1.")
    if dropout is not None and not 0 <= dropout < 1:
        raise ValueError(f"--dropout {dropout}: expected a rate from 0 to under 1; leave it out for the published one.")


def _ranges(settings: Settings) -> dict[str, tuple[float | int | None, float | int, float | int]]:
    """Setting -> its value, the smallest and the largest possible one."""
    learning, lifter = settings.learning, settings.lifter
    endless = float("inf")
    return {
        "redraws": (settings.augment.redraws, 0, 10), "definition_width": (settings.augment.definition_width, 0, 2),
        "batch_size": (learning.batch_size, 2, 10**6), "epochs": (learning.epochs, 1, MOST_EPOCHS),
        "warmup": (learning.warmup, 0, MOST_EPOCHS), "motion_warmup": (learning.motion_warmup, 0, MOST_EPOCHS),
        "additional_epochs": (learning.additional_epochs, 0, MOST_EPOCHS),
        "updates": (learning.updates, 0, endless), "steps_per_epoch": (learning.steps_per_epoch, 0, endless),
        "eval_every": (settings.output.eval_every, 1, endless),
        "gan_interval": (learning.gan_interval, 1, 10**4),
        "downsample": (settings.data.downsample, 1, endless), "max_gap": (settings.data.max_gap, 0, endless),
        "frames": (lifter.frames, 1, 10**5), "posenet_width": (lifter.posenet_width, 1, 10**5),
        "posenet_blocks": (lifter.posenet_blocks, 1, 10**3),
        "threads": (settings.threads, 0, 10**4), "seed": (settings.seed, 0, 2**53),
        "max_grad_norm": (learning.max_grad_norm, 0, endless), "max_norm": (learning.max_norm, 0, endless),
        "lr_decay_steps": (learning.lr_decay_steps, 1, endless),
        "large_decay_epoch": (learning.large_decay_epoch, 0, endless),
        "checkpoint_minutes": (settings.output.checkpoint_minutes, 0, endless), "keep": (settings.output.keep, 1, 99),
    }  # fmt: skip
