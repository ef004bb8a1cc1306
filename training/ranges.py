"""Numbers that settings may have: what is smaller or larger makes no run, or one that ends no machine's work."""

from training.settings import Settings

MOST_EPOCHS = 10**6


def check_ranges(settings: Settings) -> None:
    """Refuse numbers that cannot work."""
    for name, (value, smallest, largest) in _ranges(settings).items():
        if not value >= smallest:  # also catches NaN
            raise ValueError(f"--{name} {value}: expected at least {smallest}.")
        if value > largest:
            raise ValueError(f"--{name} {value}: expected at most {largest}.")
    learning, lifter = settings.learning, settings.lifter
    if not 0 < learning.lr < 1:
        raise ValueError(f"--lr {learning.lr}: expected a learning rate between 0 and 1.")
    if not 0 <= learning.ema < 1:
        raise ValueError(f"--ema {learning.ema}: expected a decay from 0 to under 1.")
    if not 0 <= settings.augment.synthetic_share <= 1:
        raise ValueError(f"--synthetic_share {settings.augment.synthetic_share}: expected a share from 0 to 1.")
    if lifter.dropout != -1 and not 0 <= lifter.dropout < 1:
        raise ValueError(f"--dropout {lifter.dropout}: expected a rate from 0 to under 1, or -1 for the published one.")


def _ranges(settings: Settings) -> dict[str, tuple[float | int, float | int, float | int]]:
    """Setting -> its value, the smallest and the largest possible one."""
    learning, lifter = settings.learning, settings.lifter
    endless = float("inf")
    return {
        "batch_size": (learning.batch_size, 2, 10**6), "epochs": (learning.epochs, 1, MOST_EPOCHS),
        "warmup": (learning.warmup, 0, MOST_EPOCHS), "motion_warmup": (learning.motion_warmup, 0, MOST_EPOCHS),
        "additional_epochs": (learning.additional_epochs, 0, MOST_EPOCHS),
        "steps_per_epoch": (learning.steps_per_epoch, 0, endless),
        "eval_every": (settings.output.eval_every, 1, endless), "gan_interval": (learning.gan_interval, 1, 10**4),
        "downsample": (settings.data.downsample, 1, endless), "max_gap": (settings.data.max_gap, 0, endless),
        "frames": (lifter.frames, 1, 10**5), "posenet_width": (lifter.posenet_width, 0, 10**5),
        "posenet_blocks": (lifter.posenet_blocks, 0, 10**3),
        "threads": (settings.threads, 0, 10**4), "seed": (settings.seed, 0, 2**53),
        "max_grad_norm": (learning.max_grad_norm, 0, endless), "max_norm": (learning.max_norm, 0, endless),
        "lr_decay_steps": (learning.lr_decay_steps, 1, endless),
        "large_decay_epoch": (learning.large_decay_epoch, 0, endless),
        "checkpoint_minutes": (settings.output.checkpoint_minutes, 0, endless),
    }  # fmt: skip
