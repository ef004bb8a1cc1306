"""Place of a body's root before a camera, in closed form, from root-relative joints and the rays of their 2D.

A joint X about the root t lies on its ray (u, v, 1) if t_x - u t_z = u X_z - X_x, and likewise for y. Weighted least
squares over the joints: t_x and t_y follow from the means, the depth t_z is -cov(u, u X_z - X_x) / var(u), both
summed over both axes. In clips the depth is smoothed, each frame weighted by the variance, which is what it
knows of it; t_x and t_y, which are known far better, then follow each frame's own 2D.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv1d

SMALLEST_SPREAD = 1e-12  # squared ray units: 1e-6 of the image, joints at one point
SMALLEST_WEIGHT = 1e-3  # a frame whose joints are all interpolated still stands where these are


def root_from_rays(
    joints: Float[Tensor, "frames joints 3"], rays: Float[Tensor, "frames joints 2"],
    weights: Float[Tensor, "frames joints"], smooth_frames: float | int = 0.0,
) -> Float[Tensor, "frames 3"]:  # fmt: skip
    """Compute the root's place in camera axes, metres.

    joints: metres about the root, camera axes; rays: x/z, y/z; weights: confidences, 0 or more. smooth_frames: standard
    deviation of the Gaussian over the frames, 0: each by itself.
    """
    joints, rays = joints.double(), rays.double()
    weights = weights.double().clamp_min(SMALLEST_WEIGHT)[..., None]  # (T, J, 1)
    offset = rays * joints[..., 2:] - joints[..., :2]
    total = weights.sum(dim=1, keepdim=True)
    mean_ray, mean_offset = ((weights * values).sum(dim=1, keepdim=True) / total for values in (rays, offset))
    spread = rays - mean_ray
    covariance = -(weights * spread * (offset - mean_offset)).sum((1, 2))
    variance = (weights * spread.square()).sum((1, 2)).clamp_min(SMALLEST_SPREAD)
    depth = smoothed((covariance / variance)[:, None], smooth_frames, variance)
    return torch.cat([mean_ray[:, 0] * depth + mean_offset[:, 0], depth], dim=-1).to(torch.get_default_dtype())


def smoothed(
    series: Float[Tensor, "frames values"], sd: float | int, weights: Float[Tensor, "frames"] | None = None
) -> Float[Tensor, "frames values"]:
    """Fit a line to a series about each frame, weighted by a Gaussian of sd frames: constant speed stays as it is."""
    reach = min(int(3 * sd), len(series) - 1)
    if reach < 1:
        return series
    weight = torch.ones_like(series[:, 0]) if weights is None else weights / weights.mean()
    time = torch.arange(-reach, reach + 1, device=series.device, dtype=series.dtype)
    kernels = torch.stack([time**power for power in range(3)]) * (-0.5 * (time / sd).square()).softmax(dim=0)
    terms = torch.cat([weight[:, None], weight[:, None] * series], dim=-1).mT[:, None]  # (1 + values, 1, T)
    moments = conv1d(
        terms, kernels[:, None], padding=reach
    )  # (1 + values, 3, T): sums of w, then of w x, times t^0 1 2
    (mass, first, second), (sums, leaning) = moments[0], moments[1:, :2].unbind(1)
    second = second + SMALLEST_SPREAD * mass
    return ((second * sums - first * leaning) / (second * mass - first.square())).mT
