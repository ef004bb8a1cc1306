"""Idea (d): a normalising flow on the 28 joint angles, drawn from with a temperature (`pip install zuko`).

python run_fk_gan.py --plugins benchmarks.learned_sources.flow --gan 0 --sources flow=0.3 --warmup 10
"""

import math

import torch
import zuko
from torch import Tensor

from augment import PoseSource, register_source
from augment.sources.pose_source import SourceContext
from data.batch import PoseBatch
from kinematics import joint_limits

TEMPERATURE = 1.2
MARGIN = 0.02  # of a range: real angles beyond it are brought this near to its end
UPDATES_A_CALL = 1


@register_source("flow")
class FlowPoses(PoseSource):
    """Single frames. Learns the density of real joint angles by maximum likelihood and draws wider than it is."""

    learns = True

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        if self.reference.joints_world.shape[1] > 1:
            raise ValueError("The source flow draws single frames: use it with --frames 1.")
        angles = self.reference.dh_pose.joint_angles[:, 0]
        limits = joint_limits("anatomical")
        lower, upper = limits.ends(angles.dtype, angles.device)
        angles = limits.wrap(angles)
        self.lower = torch.minimum(lower, angles.quantile(0.001, dim=0))
        self.upper = torch.maximum(upper, angles.quantile(0.999, dim=0))
        unit = ((angles - self.lower) / (self.upper - self.lower)).clamp(MARGIN, 1 - MARGIN)
        self.logits = unit.logit()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.flow = zuko.flows.NSF(28, transforms=4, hidden_features=(128, 128), passes=2).to(angles)
        self.optimizer = torch.optim.Adam(self.flow.parameters(), lr=5e-4)

    def update(self, real: PoseBatch, motion: bool = True) -> dict[str, float]:
        for _ in range(UPDATES_A_CALL):
            random = self.context.random
            chosen = torch.randint(len(self.logits), (len(real),), generator=random, device=self.logits.device)
            loss = -self.flow().log_prob(self.logits[chosen]).mean()
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.flow.parameters(), 10.0)
            if self.context.average_gradients is not None:
                self.context.average_gradients(list(self.flow.parameters()))
            self.optimizer.step()
        return {"flow_nll": loss.item() / 28 / math.log(2)}

    @torch.no_grad()
    def draw(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(len(indices), 28, generator=generator, device=self.logits.device, dtype=self.logits.dtype)
        logits = self.flow().transform.inv(TEMPERATURE * noise)
        angles = self.lower + (self.upper - self.lower) * logits.sigmoid()
        rotation = self.reference.dh_pose.global_rotation[indices]
        pose = self.context.on_new_bodies(angles[:, None], rotation, indices, generator)
        return self.context.tilt(self.context.forward_kinematics(pose, indices), generator)

    def state_dict(self):
        return {"flow": self.flow.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state) -> None:
        self.flow.load_state_dict(state["flow"])
        self.optimizer.load_state_dict(state["optimizer"])
