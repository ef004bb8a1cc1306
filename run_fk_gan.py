"""Train a 2D-to-3D pose lifter, augmented with synthetic poses of real people, a Denavit-Hartenberg body or a GAN.

    python run_fk_gan.py --dataset cmu                                        a laptop, no download
    python run_fk_gan.py --dataset cmu --compare none posefk                  what the augmentation buys
    python run_fk_gan.py --dataset h36m --posenet_name videopose              one GPU, or whatever there is
    torchrun --nproc_per_node 4 run_fk_gan.py --dataset cmu --batch_size 4096 four processes
    python run_fk_gan.py --resume checkpoint/.../                             go on with a run that was stopped
    python run_fk_gan.py --evaluate checkpoint/.../last.safetensors --test_sets 3dhp   judge it
    python run_fk_gan.py --help                                               every setting

READ FIRST. What happens, in order: settings -> data -> body, GAN and cameras (augment) -> lifter -> loop -> report.
--help explains the settings, docs/walk.md follows one tensor through all of it.
"""

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import kinematics.early_stop  # noqa: F401 what follows takes seconds to import: Ctrl-C ends that in a word

# isort: split
import torch
from torch import Tensor, nn

from augment import Augmenter
from data import DATA_SOURCES, DataSplits, PoseBatch, distributed, load_dataset
from data.distributed import Processes
from data.multiview.dataset import Poses
from evaluation import cross_domain
from evaluation.evaluate import dataset_for
from kinematics import Skeleton, exit_with_one_sentence
from posenets import load_lifter
from posenets.finite_step import finite_step
from training import checkpoint
from training.batches import BatchMixer
from training.building import build_lifter
from training.comparison import Comparison
from training.config import Settings, from_plain, read_settings
from training.detections import RunDetectorNoise, check_confidence
from training.evaluator import Evaluator, load_test_recordings, test_set_names
from training.heartbeat import heartbeat
from training.lifting import LifterTrainer
from training.reporting.log import Result, comparison_table
from training.reporting.watch import watching
from training.schedule import augments, build_schedule
from training.self_supervision import without_labels
from training.state import TrainingState
from training.stopping import StopRequest, stop_on_signal


def main(arguments: Sequence[str] | None = None) -> None:
    """Settings, then one run, a comparison of several, or an evaluation."""
    arguments = sys.argv[1:] if arguments is None else arguments
    settings = read_settings(arguments)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if settings.evaluate:
        evaluate_only(settings)
        return
    with stop_on_signal() as stop, contextlib.ExitStack() as held:
        saved = None
        if settings.resume:
            saved = checkpoint.read_last(settings.resume)
            settings = read_settings(arguments, stored=from_plain(saved.state["settings"]))
            settings = replace(settings, resume=str(saved.path))
        processes = distributed.start(settings.device)
        held.callback(distributed.stop)
        stamps = distributed.gather(saved and saved.stamp)
        with distributed.failing_together():
            if processes.first and saved is None:
                checkpoint.check_folder(settings)
            elif processes.first and saved:
                held.enter_context(checkpoint.held_folder(saved.path.parent))
                checkpoint.check_stamps(saved.path, stamps)
        splits = load_dataset(settings.data.dataset, settings.data)
        if settings.shard_data:
            splits = splits.shard(processes.rank, processes.count)
        if processes.first:
            print(*splits.notes, sep="\n")
        if saved is not None:
            comparison = Comparison.resumed(settings, saved)
        else:
            comparison = Comparison([read_settings(arguments, recipe) for recipe in settings.compare] or [settings])
        with heartbeat(processes, stop):
            compare(comparison, splits, processes, stop, saved and saved.state)


def compare(
    comparison: Comparison, splits: DataSplits, processes: Processes, stop: StopRequest, state: dict[str, Any] | None
) -> None:
    """Train one recipe after the other on the same data, and print one table if there are several."""
    for settings in comparison:
        try:
            comparison.results[settings.recipe] = train(settings, splits, processes, stop, state, comparison)
        except KeyboardInterrupt as stopped:
            raise KeyboardInterrupt(f"{stopped}{comparison.advice() if stop.heeded else ''}") from None
        state = None
    if processes.first and len(comparison.results) > 1:
        print(f"\n{comparison_table(comparison.results)}")


def train(
    settings: Settings, splits: DataSplits, processes: Processes, stop: StopRequest, state: dict[str, Any] | None,
    comparison: Comparison,
) -> list[Result]:  # fmt: skip
    """One run. state: of a run to be continued. Returns the lines of its results.jsonl."""
    # lifter: screen -> joints
    layout, device = Skeleton.from_num_joints(settings.data.num_joints).name, processes.device
    torch.manual_seed(settings.seed)
    lifter = build_lifter(settings, layout).to(device)
    # files -> recordings -> poses, as tensors on the run's device, in the windows and views that the lifter reads
    real = dataset_for(lifter, splits.train, device)
    output = settings.output
    recordings = load_test_recordings(settings, splits)
    evaluator = Evaluator(recordings, lifter, device, output.test_flip, output.test_noise)
    lifter.fps, noise = real.fps, RunDetectorNoise.from_settings(settings, real, state)
    if settings.self_supervision.self_supervised:  # from here on nobody sees a 3D label
        real, noise = without_labels(real, noise, settings.seed)
    check_confidence(settings, real, noise)
    # body, GAN and cameras: noise -> angles -> joints -> screen
    augmenter = build_augmenter(settings, real, noise, processes)
    trainer = LifterTrainer.from_settings(lifter, settings, real, noise)
    schedule = build_schedule(settings, sum(distributed.gather(len(real))) if settings.shard_data else len(real))
    mixer = BatchMixer(settings, processes, real, augmenter, noise)
    run = TrainingState(settings, schedule, processes, mixer, trainer, comparison)
    if state is not None:
        run.restore(state)
    with watching(run, evaluator, stop) as watch:
        for epoch in range(run.epoch, schedule.epochs):
            for phase in schedule.phases(epoch)[run.phase_index :]:
                while run.step < schedule.steps:
                    rate = trainer.set_learning_rate(run.lifter_epochs)
                    losses, loss = {}, None
                    if augmenter and run.updates_gan(phase):  # the GAN learns from real poses ...
                        losses = augmenter.update(mixer.for_gan(), epoch >= settings.learning.motion_warmup)
                    if phase.updates_lifter:  # ... and the lifter from real and synthetic ones
                        loss = update_lifter(trainer, mixer.for_lifter(phase.synthetic, run.step))
                    watch.batch_done(phase, loss, losses, rate)
                watch.phase_done(epoch, phase)  # evaluates
            watch.epoch_done(epoch)  # saves
        watch.finish()
    return run.results


def update_lifter(trainer: LifterTrainer, batch: PoseBatch) -> Tensor:
    """One step for a batch, and one for each of its images in mirror and time. Returns its loss, NaN if skipped."""
    lifter, optimizer, losses = trainer.lifter.train(), trainer.optimizer, []
    for variant in trainer.variants(batch):
        statistics = trainer.statistics()
        loss = trainer.criterion(lifter, variant)  # (B, T, J, 2) screen -> (B, J, 3) metres -> their distance
        loss.backward()
        distributed.average_gradients(lifter.parameters())
        norm, most = None, trainer.settings.max_grad_norm
        if most:
            norm = nn.utils.clip_grad_norm_(lifter.parameters(), most)
        skipped = finite_step(optimizer, norm)
        trainer.step_done(skipped, statistics)  # averaged weights follow
        losses.append(loss.detach().masked_fill(skipped, torch.nan))
    return losses[0]


def build_augmenter(settings: Settings, real: Poses, noise: RunDetectorNoise, processes: Processes) -> Augmenter | None:
    """The source of synthetic poses, if the run has any."""
    if not augments(settings):
        return None
    smooth = settings.augment.smooth_tracks or settings.self_supervision.self_supervised
    augment = replace(settings.augment, detector_noise="none", smooth_tracks=smooth)  # `noise` has been built already
    average, rank = distributed.average_gradients, processes.rank
    return Augmenter(augment, real, settings.seed, processes.device, average, rank, noise.model)


def evaluate_only(settings: Settings) -> None:
    """Judge a checkpoint with evaluation.cross_domain."""
    path = checkpoint.find_lifter(settings.evaluate, settings.output.checkpoint)
    frames = load_lifter(path, settings.lifter.posenet_name).frames
    test_sets = test_set_names(settings, DATA_SOURCES[settings.data.dataset].test_sets, frames)
    cross_domain.run(
        cross_domain.CrossDomain(
            checkpoint=path, posenet_name=settings.lifter.posenet_name, test_sets=test_sets,
            flip="on" if settings.output.test_flip else "off", device=settings.device,
            data_root=settings.data.data_root, data_extra_root=settings.data.data_extra_root,
            keypoints=settings.data.keypoints, subjects_test=settings.data.subjects_test,
            actions=settings.data.actions, max_gap=settings.data.max_gap, test_noise=settings.output.test_noise,
        )
    )  # fmt: skip


if __name__ == "__main__":
    exit_with_one_sentence(main)
