"""Training: settings, the lifter's steps, many processes, checkpoints, what a run tells. Start at run_fk_gan.py."""
