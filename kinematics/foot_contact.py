"""Clips whose feet stay where they stand: the body travels by what carries it.

A hip track that does not come from the legs makes feet slide: learned legs under a real hip slid at 1.0 m/s where real
feet in contact move at 0.25 m/s. Here the lowest joints carry the body, each the more the lower it is, and the body is
moved so that on average they stand still. What is moved is heavy: its speed is smoothed over 2 frames (sd). Real clips
that go through it keep their accelerations (docs/motion.md).
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv1d, pad

from kinematics import Skeleton

HIP = Skeleton("h36m_16").root
SOFT_M = 0.02  # a joint so much higher than another carries e times less
SMOOTH_FRAMES = 2


def lowest_heights(joints: Float[Tensor, "*batch joints 3"], softly: bool = False) -> Float[Tensor, "*batch"]:
    """Height of the lowest joint, metres; softly: without a kink where another joint becomes the lowest.

    The soft one lies lower, by 14 mm where two joints are equally low.
    """
    heights = joints[..., 2]
    return -SOFT_M * (heights / -SOFT_M).logsumexp(dim=-1) if softly else heights.amin(dim=-1)


def remove_foot_skate(joints: Float[Tensor, "batch frames joints 3"]) -> Float[Tensor, "batch frames joints 3"]:
    """World clips moved on the level, frame by frame, so that what carries them stands; the middle frame stays.

    The hip's own track does not matter: its new one is the smooth one on which the carrying joints slide least.
    """
    if joints.shape[1] == 1:
        return joints
    middle = joints.shape[1] // 2
    level = joints[:, :, HIP, :2] - joints[:, middle, None, HIP, :2]
    joints = joints - pad(level, (0, 1))[:, :, None]  # the hip over one point of the floor
    heights = joints[..., 2]
    carries = ((heights[:, 1:] + heights[:, :-1]) / (-2 * SOFT_M)).softmax(dim=-1)  # (B, T - 1, J)
    slides = (carries[..., None] * joints[..., :2].diff(dim=1)).sum(dim=2)  # (B, T - 1, 2) metres per frame
    track = pad(smoothed(slides).cumsum(dim=1), (0, 1, 1, 0))  # (B, T, 3), 0 at the first frame, never upwards
    return joints - (track - track[:, middle : middle + 1])[:, :, None]


def smoothed(series: Float[Tensor, "batch steps values"]) -> Float[Tensor, "batch steps values"]:
    """Running Gaussian means over time; beyond its ends the series goes on as it ended."""
    reach = 3 * SMOOTH_FRAMES
    places = torch.arange(-reach, reach + 1, device=series.device, dtype=series.dtype)
    weights = (-0.5 * (places / SMOOTH_FRAMES).square()).softmax(dim=0)
    if series.device.type != "cpu":
        return _smoothed_elsewhere(series.mT, weights).mT
    extended = pad(series.mT, (reach, reach), mode="replicate").flatten(0, 1)  # (B values, steps + 2 reach)
    return conv1d(extended[:, None], weights[None, None]).reshape(series.mT.shape).mT


def _smoothed_elsewhere(
    series: Float[Tensor, "batch values steps"], weights: Float[Tensor, "taps"]
) -> Float[Tensor, "batch values steps"]:
    """The same on a GPU, where a convolution has three digits unless told otherwise (TF32: half a millimetre of a
    metre) and the padding adds its gradients up in whatever order they come.
    """
    reach = len(weights) // 2
    first, last = (end.expand(-1, -1, reach) for end in (series[..., :1], series[..., -1:]))
    return (torch.cat([first, series, last], dim=-1).unfold(-1, len(weights), 1) * weights).sum(-1)
