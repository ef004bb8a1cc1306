"""Pictures of a run for TensorBoard and figures/: poses, lifted poses, joint angles, cameras, errors."""

import torch
from torch import Tensor

from data import PoseBatch
from evaluation.drawing.charts import camera_views, joint_angle_histograms
from evaluation.drawing.poses import COLUMNS
from kinematics import JOINT_ANGLES, joint_limits
from kinematics.inverse import joint_angles_from_joints
from training.evaluator import Evaluator
from training.reporting.figures import error_curves, error_per_joint
from training.reporting.log import VALIDATION, RunLog
from training.reporting.pose_pictures import lifted_grid, pose_grid
from training.state import TrainingState

SAMPLE = 2000  # poses behind a histogram
PICTURES_PER_RUN = 5


class Pictures:
    """Draws what a run looks like now. All samples are drawn from generators of their own: the run is not disturbed."""

    def __init__(self, log: RunLog, run: TrainingState, evaluator: Evaluator) -> None:
        self.log, self.run, self.evaluator = log, run, evaluator
        self.real = _single_views(run.mixer.real.random_batch(SAMPLE, torch.Generator().manual_seed(0)))
        self._real_angles: Tensor | None = None

    def draw(self, epoch: int) -> None:
        """Now and then during a run, and in full after its last epoch. epoch: from 0."""
        last = epoch + 1 == self.run.schedule.epochs
        every = max(1, self.run.schedule.epochs // PICTURES_PER_RUN)
        if not last and (epoch + 1) % every:
            return
        step = self.run.batches
        synthetic = self._synthetic()
        self._poses(synthetic, step, last)
        self._angles(synthetic, step, last)
        if last:
            self._charts(synthetic, step)

    def _synthetic(self) -> PoseBatch | None:
        if self.run.augmenter is None:
            return None
        generator = torch.Generator(self.run.processes.device).manual_seed(1)
        return _single_views(self.run.augmenter.sample(SAMPLE, generator))

    def _poses(self, synthetic: PoseBatch | None, step: int, keep: bool) -> None:
        rows = [("real", self.real)] + ([("synthetic", synthetic)] if synthetic is not None else [])
        self.log.picture("poses", pose_grid(rows), step, keep)
        lifter = self.run.trainer.evaluated
        for name, dataset in self.evaluator.datasets.items():
            if name == VALIDATION:
                continue
            generator = torch.Generator().manual_seed(2)
            batch = dataset.random_batch(COLUMNS, generator)
            joints, target = lifter.predict_batch(batch), lifter.target(batch)[:, lifter.target_frame]
            self.log.picture(f"lifted_{name}", lifted_grid(batch, joints, target, name), step, keep)

    def _angles(self, synthetic: PoseBatch | None, step: int, keep: bool) -> None:
        if self.real.camera is None:
            return
        if self._real_angles is None:
            self._real_angles = _joint_angles(self.real)
        angles = {"real": self._real_angles}
        if synthetic is not None:
            angles["synthetic"] = _joint_angles(synthetic)
        for name, values in angles.items():
            for i, joint_angle in enumerate(JOINT_ANGLES):
                self.log.histogram(f"joint_angles_deg/{joint_angle}/{name}", values[:, i].rad2deg(), step)
        limits = joint_limits(self.run.settings.augment.gan.limits)
        self.log.picture("joint_angles", joint_angle_histograms(angles, limits), step, keep)

    def _charts(self, synthetic: PoseBatch | None, step: int) -> None:
        batches = {name: batch for name, batch in (("real", self.real), ("synthetic", synthetic)) if batch is not None}
        seen = {name: batch for name, batch in batches.items() if batch.camera is not None}
        if seen:
            self.log.picture("camera_views", camera_views(seen), step, keep=True)
        if self.log.results:
            self.log.picture("errors", error_curves(self.log.results), step, keep=True)
        errors = {
            name: (1000 * made.errors.plain.mean(0)).tolist() for name, made in self.evaluator.predictions.items()
        }
        if errors:
            joints = self.run.trainer.lifter.skeleton.joints
            self.log.picture("error_per_joint", error_per_joint(errors, joints), step, keep=True)


def _single_views(batch: PoseBatch) -> PoseBatch:
    """One view of each pose, in turn, where there are several."""
    if batch.views is None:
        return batch
    return batch.one_view(torch.arange(len(batch), device=batch.source.device) % batch.views)


def _joint_angles(batch: PoseBatch) -> Tensor:
    """(B, 28) rad, of the DH body nearest to each pose (centre frame)."""
    joints = batch.joints_world()[:, batch.frames // 2]
    body = batch.skeleton.convert(joints, to="h36m_16")
    return joint_angles_from_joints(body)[0]
