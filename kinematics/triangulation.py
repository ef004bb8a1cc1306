"""Triangulation: 2D points of several cameras -> world points, by least squares, all points of all poses at once.

The linear method (DLT; Hartley and Zisserman, Multiple View Geometry, 12.2): if a camera at c with axes r, s, t (right,
down, forward) sees a point X in the direction (x, y, 1), then (x t - r) and (y t - s) are perpendicular to X - c. Each
view gives two equations, weighted by its confidence; the normal equations for the three unknowns are solved in closed
form. Unlike the homogeneous form solved by SVD, the result does not depend on the choice of the origin, and the
gradients stay finite even where the views do not determine the point.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from kinematics.camera import Camera
from kinematics.rotation import quaternion_to_matrix

# Ridge towards the centre of the cameras, relative to the trace: it decides what parallel views leave open.
_RIDGE = {torch.float64: 1e-12, torch.float32: 1e-7}
SMALLEST_DEPTH = 0.1  # metres: bounds the weight of points close to a camera


def triangulate(
    joints_2d: Float[Tensor, "*points 2"], camera: Camera, confidence: Tensor | None = None, reweightings: int = 0
) -> Tensor:
    """Triangulate world points, metres, from their 2D points in several views.

    camera: leading dimensions (..., V); joints_2d: (..., V, *points, 2) screen; confidence: (..., V, *points), 0 to
    ignore a view; all views weigh the same without it. Returns (..., *points, 3).

    reweightings: how often to solve again with each view's equations divided by the point's depth, which turns errors
    in metres at the point into errors on the screen (Hartley and Sturm, 1997, "Iterative-LS").
    A point with fewer than two views of non-zero confidence is undetermined: of all solutions, the one nearest to the
    centre of the cameras is returned.
    """
    views = camera.translation.ndim - 2  # the dimension of the views in joints_2d
    _check(joints_2d, camera, confidence, views)
    shape = camera.translation.shape[:-1] + (1,) * (joints_2d.ndim - 2 - views) + (3,)
    centres = camera.translation.to(joints_2d.dtype)
    middle = centres.mean(dim=-2)  # (..., 3): near the points, for float32's precision
    offsets = (centres - middle[..., None, :]).reshape(shape)
    right, down, forward = (axis.reshape(shape) for axis in quaternion_to_matrix(camera.orientation_wxyz).unbind(-1))
    x, y = camera.rays(joints_2d).unbind(-1)
    equations = [
        [slope * ahead - side for ahead, side in zip(forward.unbind(-1), axis.unbind(-1), strict=True)]
        for slope, axis in ((x, right), (y, down))
    ]
    weights = torch.ones_like(x) if confidence is None else confidence.to(x.dtype)
    points = _solve(equations, offsets.unbind(-1), weights, views)
    for _ in range(reweightings):
        depth = (forward * (points.unsqueeze(views) - offsets)).sum(-1)
        again = weights / depth.detach().square().clamp_min(SMALLEST_DEPTH**2)
        points = _solve(equations, offsets.unbind(-1), again, views)
    return points + middle.reshape(middle.shape[:-1] + (1,) * (points.ndim - middle.ndim) + (3,))


def _check(joints_2d: Tensor, camera: Camera, confidence: Tensor | None, views: int) -> None:
    lead = tuple(camera.translation.shape[:-1])
    if views < 0 or lead[-1] < 2:
        raise ValueError(f"The cameras have the leading shape {lead}, expected (..., V) with at least two views.")
    if tuple(joints_2d.shape[: views + 1]) != lead:
        shape = tuple(joints_2d.shape)
        raise ValueError(f"joints_2d has shape {shape}, expected {lead} before the points: one view per camera.")
    if confidence is not None and confidence.shape != joints_2d.shape[:-1]:
        wanted = tuple(joints_2d.shape[:-1])
        raise ValueError(f"confidence has shape {tuple(confidence.shape)}, expected {wanted}: one number per point.")


def _solve(equations: list[list[Tensor]], offsets: Sequence[Tensor], weights: Tensor, views: int) -> Tensor:
    """Fit points (..., *, 3) to two equations per view: rows of three (..., V, *), perpendicular to point - offset."""
    weighted = [[weights * value for value in row] for row in equations]

    def summed(first: int, second: int) -> Tensor:
        terms = [scaled[first] * row[second] for scaled, row in zip(weighted, equations, strict=True)]
        return (terms[0] + terms[1]).sum(views)

    matrix = {(i, j): summed(i, j) for i in range(3) for j in range(i, 3)}
    along = [sum(value * offset for value, offset in zip(row, offsets, strict=True)) for row in equations]
    right_side = [(weighted[0][i] * along[0] + weighted[1][i] * along[1]).sum(views) for i in range(3)]
    trace = matrix[0, 0] + matrix[1, 1] + matrix[2, 2]
    ridge = _RIDGE[trace.dtype] * trace + torch.finfo(trace.dtype).tiny ** 0.25
    for i in range(3):
        matrix[i, i] = matrix[i, i] + ridge
    return _solve_3x3(matrix, right_side)


def _solve_3x3(matrix: dict[tuple[int, int], Tensor], right_side: list[Tensor]) -> Tensor:
    """Solve symmetric positive definite systems by Cramer's rule, (..., 3). matrix: its upper triangle."""
    a, b, c, d, e, f = (matrix[entry] for entry in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    adjugate = (
        (d * f - e * e, c * e - b * f, b * e - c * d),
        (c * e - b * f, a * f - c * c, b * c - a * e),
        (b * e - c * d, b * c - a * e, a * d - b * b),
    )
    determinant = a * adjugate[0][0] + b * adjugate[0][1] + c * adjugate[0][2]
    u, v, w = right_side
    return torch.stack([(row[0] * u + row[1] * v + row[2] * w) / determinant for row in adjugate], dim=-1)
