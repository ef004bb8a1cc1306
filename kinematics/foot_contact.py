"""Remove foot skate from clips by moving the body over the feet in contact (docs/motion.md).

The lower a joint, the larger its contact weight; the root is moved so that the weighted mean of the joints in contact
stands still. Its velocity is smoothed (Gaussian, sd 2 frames).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv1d, pad

from kinematics.joints import J

SOFT_M = 0.02  # a joint this much higher than another has 1/e of its contact weight
SMOOTH_FRAMES = 2


def lowest_heights(joints: Float[Tensor, "*batch joints 3"], softly: bool = False) -> Float[Tensor, "*batch"]:
    """Compute the height of the lowest joint, metres; softly: as a smooth minimum, 14 mm lower for two equal joints."""
    heights = joints[..., 2]
    return -SOFT_M * (heights / -SOFT_M).logsumexp(dim=-1) if softly else heights.amin(dim=-1)


def remove_foot_skate(joints: Float[Tensor, "batch frames joints 3"]) -> Float[Tensor, "batch frames joints 3"]:
    """Move world clips horizontally so that joints in contact stand still; the middle frame stays."""
    if joints.shape[1] == 1:
        return joints
    middle = joints.shape[1] // 2
    level = joints[:, :, J.HIP, :2] - joints[:, middle, None, J.HIP, :2]
    joints = joints - pad(level, (0, 1))[:, :, None]  # the hip over a fixed point of the floor
    heights = joints[..., 2]
    contact = ((heights[:, 1:] + heights[:, :-1]) / (-2 * SOFT_M)).softmax(dim=-1)  # (B, T - 1, J)
    slides = (contact[..., None] * joints[..., :2].diff(dim=1)).sum(dim=2)  # (B, T - 1, 2) metres per frame
    track = pad(smoothed(slides).cumsum(dim=1), (0, 1, 1, 0))  # (B, T, 3), 0 at the first frame, horizontal
    return joints - (track - track[:, middle : middle + 1])[:, :, None]


def smoothed(series: Float[Tensor, "batch steps values"]) -> Float[Tensor, "batch steps values"]:
    """Smooth a series over time with a Gaussian; the end values are repeated."""
    reach = 3 * SMOOTH_FRAMES
    places = torch.arange(-reach, reach + 1, device=series.device, dtype=series.dtype)
    weights = (-0.5 * (places / SMOOTH_FRAMES).square()).softmax(dim=0)
    if series.device.type != "cpu":
        return _smoothed_on_gpu(series.mT, weights).mT
    extended = pad(series.mT, (reach, reach), mode="replicate").flatten(0, 1)  # (B values, steps + 2 reach)
    return conv1d(extended[:, None], weights[None, None]).reshape(series.mT.shape).mT


def _smoothed_on_gpu(
    series: Float[Tensor, "batch values steps"], weights: Float[Tensor, "taps"]
) -> Float[Tensor, "batch values steps"]:
    """Smooth without a convolution: TF32 has three digits, and replicate padding's gradient is not deterministic."""
    reach = len(weights) // 2
    first, last = (end.expand(-1, -1, reach) for end in (series[..., :1], series[..., -1:]))
    return (torch.cat([first, series, last], dim=-1).unfold(-1, len(weights), 1) * weights).sum(-1)
