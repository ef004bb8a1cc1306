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

# What several cameras see: recipe posefk corrects triangulated joints, whatever the rig.
VIEWS: dict[str, Preset] = {
    "posefk": {"lifter": {"input_mode": "rays"}, "learning": {"ema": 0.99}},
}
CAMERAS = 4  # of a lifter of several views, unless said

# In a short run (DataSource.short_runs) synthetic poses never repeat: a lifter has to be helped to fit them, not kept
# from it.
SHORT_RUNS: dict[str, Preset] = {"posefk": {"lifter": {"dropout": 0.0}}}
