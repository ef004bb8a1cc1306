"""How a lifter learns with a recipe. What the recipe augments is augment.settings.RECIPES."""

from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class RecipeTraining:
    """Settings by their flat names: in any run, and beyond that in some.

    clips: of lifters that see several frames; views: of lifters of several cameras; short_runs: on data sets whose
    runs are short; h36m: on Human3.6M, unless a length is typed or recipes are compared, which then have the same one.
    """

    settings: Values = field(default_factory=dict)
    clips: Values = field(default_factory=dict)
    views: Values = field(default_factory=dict)
    short_runs: Values = field(default_factory=dict)
    h36m: Values = field(default_factory=dict)


TRAINING: dict[str, RecipeTraining] = {
    "none": RecipeTraining({"input_mode": "screen"}),
    "dh-aug": RecipeTraining(
        {"input_mode": "screen", "loss": "mse", "lr_schedule": "linear", "warmup": 3, "gan_interval": 1},
        # its video mode: clips backwards, MPJPE, motion critics late
        clips={"loss": "mpjpe", "time_reversal": True, "motion_warmup": 4},
        h36m={"epochs": 50, "additional_epochs": 60},
    ),
    "posefk": RecipeTraining(
        {"input_mode": "virtual_camera", "ema": 0.999},
        # it corrects triangulated joints, whatever the rig
        views={"input_mode": "rays", "ema": 0.99},
        # synthetic poses never repeat: in a short run a lifter has to be helped to fit them, not kept from it
        short_runs={"dropout": 0.0},
    ),
}
