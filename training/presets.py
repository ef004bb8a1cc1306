"""What a recipe and a data set bring to the settings that the user has not given.

The synthetic side of a recipe is augment.settings.RECIPES; here is how the lifter learns with it.
"""

from typing import Any

from posenets import LIFTERS

Preset = dict[str, dict[str, Any]]

TRAINING: dict[str, Preset] = {
    "none": {"lifter": {"input_mode": "screen"}, "learning": {}},
    "dh-aug": {
        "lifter": {"input_mode": "screen"},
        "learning": {"loss": "mse", "lr_schedule": "linear", "warmup": 3, "gan_interval": 1},
    },
    "posefk": {"lifter": {"input_mode": "virtual_camera"}, "learning": {"ema": 0.999}},
}

# What DH-AUG's video mode does differently from its single frames (spec: clips backwards, MPJPE, motion critics late).
CLIPS: dict[str, Preset] = {
    "dh-aug": {"learning": {"loss": "mpjpe", "time_reversal": True, "motion_warmup": 4}},
}

# How lifters were trained where they were published, for all recipes alike; lengths stand below.
# Names as they are typed: the multi-frame spelling of DH-AUG says that there are several frames, `martinez` that
# SimpleBaseline is meant as its own authors trained it.
_POSEFORMER: Preset = {
    "lifter": {"frames": 27},
    "learning": {"lr": 4e-4, "weight_decay": 0.1, "lr_schedule": "exponential", "lr_decay": 0.99, "max_grad_norm": 0.0},
}
LIFTER_PRESETS: dict[str, Preset] = {
    "poseformer": _POSEFORMER,
    "mulit_farme_videopose": {"lifter": {"frames": 27}},
    "seq2seq": {
        "lifter": {"frames": 5},
        "learning": {
            "lr": 1e-3, "lr_schedule": "exponential", "lr_decay": 0.96, "loss": "standard_mse", "loss_frames": "all",
            "difference_weight": 4.0, "max_grad_norm": 0.0,  # of means; with 5 frames the paper's 5 of sums
        },
    },
    "esmformer": {
        "lifter": {"frames": 27},
        "learning": {
            "lr": 1e-3, "lr_schedule": "exponential", "lr_decay": 0.95, "large_decay_epoch": 5, "amsgrad": True,
            "loss": "mpjpe", "loss_frames": "all", "max_grad_norm": 0.0,
        },
    },
    "martinez": {
        "lifter": {"standardised": True, "posenet_width": 1024, "posenet_blocks": 2, "dropout": 0.5},
        "learning": {
            "lr": 1e-3, "lr_schedule": "staircase", "lr_decay": 0.96, "lr_decay_steps": 100_000,
            "loss": "standard_mse", "batch_size": 64, "max_norm": 1.0, "max_grad_norm": 0.0, "flip_augment": "none",
        },
    },
}  # fmt: skip
# What a recipe changes of one lifter. Published is the window's last frame, which seq2seq knows worse than the middle.
RECIPE_LIFTERS: dict[tuple[str, str], Preset] = {("posefk", "seq2seq"): {"lifter": {"middle_frame": True}}}
# Their lengths, on Human3.6M, where they were published; other data sets have budgets of their own.
PUBLISHED_LENGTHS: dict[str, Preset] = {
    "poseformer": {"learning": {"epochs": 200, "batch_size": 512}},
    "seq2seq": {"learning": {"epochs": 100, "batch_size": 64}},
    "martinez": {"learning": {"epochs": 200}},
    "esmformer": {"learning": {"epochs": 50}},
}
# DH-AUG's, of whatever lifter, where nothing else is compared with it: a comparison gives every recipe the same length.
DH_AUG_LENGTH: Preset = {"learning": {"epochs": 50, "additional_epochs": 60}}
# The widths and dropout of short runs are meant for fully connected layers and 1x1 convolutions.
WITHOUT_BUDGET_SIZES = ("sem_gcn", "st_gcn", "poseformer")
# A lifter of several views is 23 million weights large as published: in the short runs of a laptop one of 0.3 million
# over a third of a second.
SMALL_VIEW_LIFTER: Preset = {
    "lifter": {"frames": 9, "posenet_width": 64, "posenet_blocks": 1, "dropout": 0.0},
    "learning": {"lr": 1e-3, "lr_schedule": "cosine", "amsgrad": False, "max_grad_norm": 1.0, "batch_size": 128,
                 "steps_per_epoch": 25},
}  # fmt: skip
SMALL_RUNS = ("demo", "cmu")

# What several cameras see: recipe posefk corrects triangulated joints, whatever the rig.
VIEWS: dict[str, Preset] = {
    "posefk": {"lifter": {"input_mode": "rays"}, "learning": {"ema": 0.99}},
}
CAMERAS = 4  # of a lifter of several views, unless said

# Short runs: the published dropout (up to half of the units) and learning rate are made for hundreds of epochs. The
# rate is the same for every recipe, so that a comparison is about the augmentation.
BUDGETS: dict[str, Preset] = {
    "demo": {
        "lifter": {"posenet_name": "simple_baseline", "posenet_width": 512, "dropout": 0.1},
        "learning": {"epochs": 8, "steps_per_epoch": 150, "batch_size": 256, "gan_interval": 10, "lr": 4e-3},
    },
    "cmu": {
        "lifter": {"posenet_width": 512, "dropout": 0.1},
        "learning": {"epochs": 30, "steps_per_epoch": 150, "batch_size": 256, "gan_interval": 10, "lr": 4e-3},
    },
    "h36m": {"learning": {"epochs": 25}},
    "mpi_inf_3dhp": {"learning": {"epochs": 25}},
    "ski": {"learning": {"epochs": 25}},
}
# In a short run synthetic poses never repeat: a lifter has to be helped to fit them, not kept from it.
SHORT_RUNS: dict[str, Preset] = {"posefk": {"lifter": {"dropout": 0.0}}}

# Names under which each lifter knows its sizes; seq2seq always has one cell on either side.
WIDTH_NAMES = dict(
    zip(LIFTERS, ("channels", "linear_size", "hid_dim", "hid_dim", "embed_dim_ratio", "width"), strict=True)
)
BLOCK_NAMES = dict(zip(LIFTERS, ("filter_widths", "num_stage", "num_layers", "num_layers", "depth", ""), strict=True))
DROPOUT_NAMES = {name: "dropout2" if name == "seq2seq" else "dropout" for name in LIFTERS}
