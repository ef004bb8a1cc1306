"""What a recipe and a data set bring to the settings that the user has not given.

The synthetic side of a recipe is augment.settings.RECIPES; here is how the lifter learns with it.
"""

from posenets.registry import Preset

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

# DH-AUG's, of whatever lifter, where nothing else is compared with it: a comparison gives every recipe the same length.
DH_AUG_LENGTH: Preset = {"learning": {"epochs": 50, "additional_epochs": 60}}
# Short runs on a laptop, where large lifters have smaller sizes.
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
