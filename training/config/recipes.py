"""How a lifter learns with a recipe. What the recipe augments is augment.settings.RECIPES."""

from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class RecipeTraining:
    """Settings by their flat names: in any run, and beyond that in some.

    clips: of lifters that see several frames; views: of lifters of several cameras; measured: what serves lifters of
    one camera best at the same wall time (docs/training.md), instead of their published settings; connected: the same
    of fully connected ones; h36m: on Human3.6M, unless a length is typed or recipes are compared, which then have the
    same one.
    """

    settings: Values = field(default_factory=dict)
    clips: Values = field(default_factory=dict)
    views: Values = field(default_factory=dict)
    measured: Values = field(default_factory=dict)
    connected: Values = field(default_factory=dict)
    h36m: Values = field(default_factory=dict)


EPOCHS = 30  # that runs of a length by rule are divided into
_MEASURED: Values = {"batch_size": 256, "lr_schedule": "cosine", "gan_interval": 10}

TRAINING: dict[str, RecipeTraining] = {
    "none": RecipeTraining({"input_mode": "screen"}, measured=_MEASURED, connected={"lr": 4e-3, "dropout": 0.1}),
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
        measured=_MEASURED,
        # synthetic poses never repeat: a lifter has to be helped to fit them, not kept from it
        connected={"lr": 4e-3, "dropout": 0.0},
    ),
}
