"""Fit one body, whose bones are constant, to a window of a lifted clip.

Unknown are a direction of every bone in every frame, the root's place before the camera, and one length per bone. They
minimize, summed over frames and joints, robust penalties of

    the distance from the lifter's joint, metres about the root
    the distance from the ray of the 2D joint, metres at the root's depth, times the joint's score
    the acceleration of the joints about the root, and of the root
    the speed of the ankles, where it is so small that the foot stands
    in a second round, what arms and legs exceed the anatomical limits of their angles by, metres

and of the bones' lengths: from the lifter's median, and left from right. Solved by L-BFGS in coordinates in which the
first three have about the same curvature in every frame and over time, so that few steps suffice. A lifter's answer
that is on its 2D is trusted more; one that is steady is smoothed less, and its 2D trusted more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from kinematics.bones import BODY_JOINTS
from kinematics.root_place import smoothed
from kinematics.skeleton import Skeleton
from kinematics.within_limits import limbs_within_limits

STEPS, LIMIT_STEPS = 80, 20
NEAREST_M = 0.2  # joints nearer to the camera are projected as if they were there
ROOT_SHARE = 16.0  # of the root's acceleration: as much as all joints'
IMAGE_SHARE = 0.1  # of the 2D in the coordinates' curvature: many joints are as free along their rays as without them
ANKLES = ("RAnkle", "LAnkle")
OFF_2D_M, LEAST = (
    0.015,
    0.1,
)  # a lifter nearer to the 2D in the median is trusted in proportion, to a tenth of its penalty
JITTER_M, STEADIEST = 0.010, 4.0  # the same of a steadier one and accelerations, to four times their penalty


@dataclass(frozen=True)
class Penalties:
    """Errors that cost about 1: the smaller, the stronger."""

    lifter: float = 0.08  # metres; further away the cost grows linearly (Charbonnier)
    image: float = 0.04  # metres at the root's depth; 2 of these cost half of what any outlier costs (Geman-McClure)
    acceleration: float = 8.0  # m/s^2, Charbonnier; also of the root
    foot: float = 0.3  # m/s, Geman-McClure: a foot that is much faster does not stand
    limits: float = 0.02  # metres
    bone: float = 0.3  # of the logarithm of a length against the lifter's
    sides: float = 0.1  # of the logarithm of left over right
    smoothing: float = 0.08  # seconds: the sd of the Gaussian that smooths the lifter's answer, to start from


@dataclass(frozen=True)
class Window:
    """Frames to fit, float64.

    lifted: (T, J, 3) metres about the root, camera axes. rays: (T, S, 2) x/z, y/z of the joints `seen` and weights
    (T, S), 0 to 1. root: (T, 3) metres, where to start. time: (T,) frame numbers; what is 1 apart is consecutive.
    """

    lifted: Tensor
    rays: Tensor
    weights: Tensor
    root: Tensor
    time: Tensor
    seen: list[int]
    skeleton: Skeleton
    fps: float

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, frames: slice | Tensor) -> "Window":
        return replace(self, **{name: getattr(self, name)[frames] for name in PER_FRAME})


PER_FRAME = ("lifted", "rays", "weights", "root", "time")


@dataclass(frozen=True)
class Fitted:
    """joints: (T, J, 3) metres about the root; root: (T, 3) metres; log_lengths: (bones,)."""

    joints: Tensor
    root: Tensor
    log_lengths: Tensor


def fit_body(
    window: Window, penalties: Penalties, log_lengths: Tensor | None = None, step: Callable[[], object] = lambda: None
) -> Fitted:
    """Fit joints, root and, unless given, bone lengths. step: called at every evaluation of the cost."""
    search = _Search(window, penalties, log_lengths)
    search.minimize(STEPS, step)
    if not window.skeleton.can_become("h36m_16"):
        return search.fitted()
    target = _limbs_inside(search.fitted().joints, window.skeleton)
    if bool((target != search.fitted().joints).any()):
        search.target = target
        search.minimize(LIMIT_STEPS, step)
    fitted = search.fitted()
    return replace(fitted, joints=_limbs_inside(fitted.joints, window.skeleton))


class _Search:
    """The unknowns, as offsets from where the search starts, and their cost."""

    def __init__(self, window: Window, penalties: Penalties, log_lengths: Tensor | None) -> None:
        self.window = window
        self.target: Tensor | None = None
        skeleton, count = window.skeleton, len(window)
        self.parents, self.children = torch.tensor(skeleton.bones).unbind(-1)
        self.paths = _paths(skeleton)
        self.left, self.right = _twins(skeleton)
        follows = window.time.diff() == 1
        self.steps, self.bends = follows, follows[1:] & follows[:-1]
        self.penalties = penalties = self._adapted(penalties)
        vectors = window.lifted[:, self.children] - window.lifted[:, self.parents]
        self.lifted_lengths = vectors.norm(dim=-1).median(dim=0).values.clamp_min(0.01).log()
        self.start = self.lifted_lengths if log_lengths is None else log_lengths
        smooth = _smoothed(window, penalties.smoothing)
        self.directions = normalize(smooth[:, self.children] - smooth[:, self.parents], dim=-1)
        anchor = 1 / penalties.lifter**2 + IMAGE_SHARE / penalties.image**2
        self.spread = self._coordinates(anchor, penalties.acceleration)
        self.root_spread = self._coordinates(
            ROOT_SHARE / 2 / penalties.image**2, penalties.acceleration / ROOT_SHARE**0.5
        )
        self.reach = self.paths.sum(0).sqrt() * self.start.exp()  # how far a bone moves the joints behind it
        self.length_spread = 1 / (self.reach * (count * anchor) ** 0.5)
        self.moves = [torch.zeros_like(values, requires_grad=True) for values in (vectors, window.root)]
        self.free_lengths = torch.zeros_like(self.start, requires_grad=True)
        self.unknowns = [*self.moves, *([self.free_lengths] if log_lengths is None else [])]

    def _adapted(self, penalties: Penalties) -> Penalties:
        """Adapt to how far the lifter's answer is from its own 2D, and to its jitter, medians in metres."""
        off = self._image(self.window.lifted, self.window.root).norm(dim=-1)[self.window.weights > 0]
        bends = self.window.lifted.diff(n=2, dim=0)[self.bends].norm(dim=-1)
        trust = float((off.median() / OFF_2D_M).clamp(LEAST, 1)) if len(off) else 1.0
        # The second difference of white noise of sd 1 on each axis is 3.8 long in the median.
        steady = float((3.8 * JITTER_M / bends.median()).clamp(1, STEADIEST)) if len(bends) else 1.0
        return replace(
            penalties, lifter=penalties.lifter * trust, image=penalties.image / steady,
            acceleration=penalties.acceleration * steady, smoothing=penalties.smoothing / steady,
        )  # fmt: skip

    def _image(self, joints: Tensor, root: Tensor) -> Tensor:
        """Compute how far joints are from the rays of their 2D, (T, S, 2) metres at the starting depth."""
        seen = (joints + root[:, None])[:, self.window.seen]
        off = seen[..., :2] / seen[..., 2:].clamp_min(NEAREST_M) - self.window.rays
        return off * self.window.root[:, None, 2:]

    def _coordinates(self, anchor: float, acceleration: float) -> Tensor:
        """Compute K (T, T) with K K^T = (anchor + second differences / acceleration)^-1."""
        eye = torch.eye(len(self.window), dtype=torch.float64)
        bends = eye.diff(n=2, dim=0)[self.bends] * (self.window.fps**2 / acceleration)
        return torch.linalg.inv(torch.linalg.cholesky(anchor * eye + bends.mT @ bends)).mT

    def body(self) -> tuple[Tensor, Tensor, Tensor]:
        """Compute joints about the root, the root and the logarithms of the lengths."""
        turned, shift = self.moves
        offsets = (self.spread @ turned.flatten(1)).view_as(turned) / self.reach[:, None]
        log_lengths = self.start + self.free_lengths * self.length_spread
        bones = normalize(self.directions + offsets, dim=-1) * log_lengths.exp()[:, None]
        return self.paths @ bones, self.window.root + self.root_spread @ shift, log_lengths

    def fitted(self) -> Fitted:
        with torch.no_grad():
            return Fitted(*self.body())

    def cost(self) -> Tensor:
        window, penalties, (joints, root, log_lengths) = self.window, self.penalties, self.body()
        image = self._image(joints, root) / penalties.image
        cost = _charbonnier((joints - window.lifted) / penalties.lifter).sum()
        cost = cost + 4 * (window.weights * _geman_mcclure(image / 2)).sum()
        for points, share in ((joints, 1.0), (root, ROOT_SHARE)):
            bends = points.diff(n=2, dim=0)[self.bends] * (window.fps**2 / penalties.acceleration)
            cost = cost + share * _charbonnier(bends).sum()
        feet = [window.skeleton.joints.index(name) for name in ANKLES if name in window.skeleton.joints]
        slides = (joints[:, feet] + root[:, None]).diff(dim=0)[self.steps] * (window.fps / penalties.foot)
        cost = cost + _geman_mcclure(slides).sum()
        if self.target is not None:
            cost = cost + ((joints - self.target) / penalties.limits).square().sum()
        sides = (log_lengths[self.left] - log_lengths[self.right]) / penalties.sides
        lengths = (log_lengths - self.lifted_lengths) / penalties.bone
        return cost + len(window) * (sides.square().sum() + lengths.square().sum())

    def minimize(self, steps: int, step: Callable[[], object]) -> None:
        """Take at most so many steps of L-BFGS."""
        optimizer = torch.optim.LBFGS(
            self.unknowns, max_iter=steps, max_eval=2 * steps, history_size=10, line_search_fn="strong_wolfe",
            tolerance_grad=0, tolerance_change=1e-7 * len(self.window),
        )  # fmt: skip

        def evaluate() -> Tensor:
            optimizer.zero_grad()
            cost = self.cost()
            cost.backward()
            step()
            return cost

        optimizer.step(evaluate)


def _smoothed(window: Window, seconds: float) -> Tensor:
    """Smooth what was lifted by a Gaussian, each run of consecutive frames by itself."""
    ends = (window.time.diff() != 1).nonzero().flatten() + 1
    runs = window.lifted.flatten(1).tensor_split(ends)
    return torch.cat([smoothed(run, seconds * window.fps) for run in runs]).view_as(window.lifted)


def _charbonnier(errors: Tensor) -> Tensor:
    return 2 * ((1 + errors.square().sum(-1)).sqrt() - 1)


def _geman_mcclure(errors: Tensor) -> Tensor:
    squared = errors.square().sum(-1)
    return squared / (1 + squared)


def _paths(skeleton: Skeleton) -> Tensor:
    """Compute (J, bones) 1 where a bone of skeleton.bones is on the way from the root to a joint."""
    paths = torch.zeros(skeleton.num_joints, len(skeleton.bones), dtype=torch.float64)
    for bone, (_, child) in enumerate(skeleton.bones):
        for joint in range(skeleton.num_joints):
            at = joint
            while at not in (child, -1):
                at = skeleton.parents[at]
            paths[joint, bone] = at == child
    return paths


def _twins(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """List the bones of the left side and their twins on the right."""
    children = [child for _, child in skeleton.bones]
    left = [bone for bone, child in enumerate(children) if child in skeleton.left]
    return left, [children.index(skeleton.mirror[children[bone]]) for bone in left]


def _limbs_inside(joints: Tensor, skeleton: Skeleton) -> Tensor:
    """Rotate limbs of any layout that has the body's joints back inside their limits."""
    result = joints.clone()
    at = [skeleton.joints.index(name) for name in BODY_JOINTS]
    result[:, at] = limbs_within_limits(joints[:, at])
    return result
