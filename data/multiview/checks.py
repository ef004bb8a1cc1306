"""What views of one recording must have in common before anything is learned or triangulated from them together.

Each check ends in one sentence that names the camera. Views may move (a camera for every frame) and may lack records of
some frames (View.present).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Bool, Float

from data.recordings import Recording, View
from kinematics.camera import Camera
from kinematics.errors import PoseFKError
from kinematics.rotation import quaternion_to_matrix
from kinematics.triangulation import triangulate

SAME_PLACE = 0.01  # metres
SAME_DIRECTION = np.cos(np.deg2rad(0.1))
WORLD_AGREEMENT = 0.020  # metres, median
SCREEN_AGREEMENT = 0.01  # half image widths, median: 10 pixels of 2048
UPRIGHT = 0.5  # cosine of the angle between the cameras' mean up and the world's

MAX_SHIFT = 10  # frames
MUCH_BETTER = 0.5  # of the error without a shift
SMALLEST_ERROR = 0.001  # half image widths, about a pixel: where nothing is worth shifting
SAMPLED_FRAMES = 100
FEWEST_FRAMES = 10  # that a view must have to be told late, unless it has all

MOST_RECORDINGS = 24  # of a part of a data set; each costs some hundredths of a second
LOADED_AGREEMENT = 0.05  # half image widths, median: detections, too, must be of this person and camera


def check_views(recording: Recording, name: str = "", screen_agreement: float = SCREEN_AGREEMENT) -> None:
    """All checks of this module on a recording of several views. name: of the recording in the sentences."""
    name = name or f"{recording.subject} {recording.action}".strip()
    check_lengths(recording.views, name)
    check_rig(recording.views, name)
    check_upright(recording.views, name)
    check_synchronised(recording.views, name)  # before those that a late view fails as well
    check_projection(recording.views, name, screen_agreement)
    check_world(recording.views, name)


def check_recordings(recordings: Sequence[Recording], views: int) -> None:
    """check_views on the first `views` views of recordings that will be learned or judged from, evenly spread."""
    multi_view = [recording for recording in recordings if len(recording.views) > 1]
    for number in np.unique(
        np.linspace(0, len(multi_view) - 1, min(len(multi_view), MOST_RECORDINGS)).round().astype(int)
    ):
        recording = multi_view[number]
        check_views(replace(recording, views=recording.views[:views]), screen_agreement=LOADED_AGREEMENT)


def check_lengths(views: Sequence[View], name: str) -> None:
    """Refuse fewer than two views, views without a camera and views of different length."""
    if len(views) < 2:
        raise PoseFKError(f"{name} has {len(views)} view, expected two or more: one camera cannot be triangulated.")
    unknown = [view.camera_name for view in views if view.camera is None]
    if unknown:
        raise PoseFKError(f"{name}: the camera of view {', '.join(unknown)} is not known. Calibrate it first.")
    for view in views:
        lengths = {len(view.joints_3d), len(view.joints_2d), len(view.is_present)}
        if view.camera is not None and view.moves:
            lengths.add(len(view.camera))
        if lengths != {len(views[0].joints_3d)}:
            raise PoseFKError(
                f"{name}: view {view.camera_name} has {' and '.join(map(str, sorted(lengths)))} frames, expected "
                f"{len(views[0].joints_3d)} as view {views[0].camera_name} has. Cut them to the same frames."
            )


def common_rate(rates: Mapping[str, float | int], name: str) -> float:
    """The frame rate all cameras share. rates: camera -> frames a second."""
    first, *others = rates.items()
    for camera, fps in others:
        if not np.isclose(fps, first[1], rtol=1e-3):
            raise PoseFKError(
                f"{name}: view {camera} has {fps:g} frames a second and view {first[0]} {first[1]:g}. Use one rate."
            )
    return float(first[1])


def check_names(views: Sequence[View], name: str) -> None:
    """Refuse two views of one name."""
    names = [view.camera_name for view in views]
    twice = sorted({camera for camera in names if names.count(camera) > 1})
    if twice:
        raise PoseFKError(f"{name}: camera {', '.join(twice)} is there twice. Name every camera differently.")


def check_rig(views: Sequence[View], name: str) -> None:
    """Refuse a camera that is there twice, by name or by pose, and cameras that all stand in one place."""
    check_names(views, name)
    names = [view.camera_name for view in views]
    poses = [_poses(view) for view in views]
    apart = []
    for (i, (centre, axes)), (j, (other, other_axes)) in combinations(enumerate(poses), 2):
        distance = float(np.linalg.norm(centre - other, axis=-1).max())
        cosine = float(((axes * other_axes).sum((-2, -1)).min() - 1) / 2)  # of the angle between the orientations
        if distance < SAME_PLACE and cosine > SAME_DIRECTION:
            raise PoseFKError(f"{name}: cameras {names[i]} and {names[j]} have the same pose. Leave one of them out.")
        apart.append(distance)
    if not max(apart) >= SAME_PLACE:
        raise PoseFKError(
            f"{name}: all {len(views)} cameras stand within {SAME_PLACE * 100:.0f} cm of one place, from which no "
            "depth can be triangulated. Check the calibration and its units."
        )


def check_upright(views: Sequence[View], name: str) -> None:
    """Refuse a world in which the cameras do not stand upright on average: conventions say z is up."""
    up = -np.mean([_poses(view)[1][..., :, 1].mean(axis=0) for view in views], axis=0)
    cosine = up / max(float(np.linalg.norm(up)), 1e-9)
    if not cosine[2] >= UPRIGHT:
        axis = int(np.abs(cosine).argmax())
        looks = f"{'-' if cosine[axis] < 0 else '+'}{'xyz'[axis]}"
        raise PoseFKError(f"{name}: the cameras' up is the world's {looks}, expected +z. Turn the world.")


def check_projection(views: Sequence[View], name: str, agreement: float = SCREEN_AGREEMENT) -> None:
    """Refuse a view whose 3D does not fall on its 2D. agreement: median, half image widths."""
    for view in views:
        assert view.camera is not None
        points = torch.from_numpy(view.joints_3d).double()
        screen = view.camera.to(torch.float64).project(points).numpy()
        present = view.is_present
        error = _median(np.linalg.norm(screen - view.joints_2d, axis=-1)[present])
        if not error < agreement:
            raise PoseFKError(
                f"{name}: the 3D of view {view.camera_name} falls {error:.3g} half image widths (median) beside its "
                f"2D, expected under {agreement:g}. The intrinsics, the image size or the units are others."
            )


def check_world(views: Sequence[View], name: str) -> None:
    """Refuse views whose joints are not the same points of the world."""
    worlds = np.stack([view.joints_world for view in views])
    present = np.stack([view.is_present for view in views])
    shared = present.sum(axis=0) > 1
    weights = present[:, shared, None, None] / present[:, shared].sum(axis=0)[:, None, None]
    mean = (worlds[:, shared] * weights).sum(axis=0)
    errors = [
        _median(np.linalg.norm(world - mean, axis=-1)[here])
        for world, here in zip(worlds[:, shared], present[:, shared], strict=True)
    ]
    worst = int(np.argmax(errors))
    if not errors[worst] < WORLD_AGREEMENT:
        raise PoseFKError(
            f"{name}: the joints of view {views[worst].camera_name} lie {errors[worst] * 1000:.0f} mm (median) from "
            f"the mean of all views in the world, expected under {WORLD_AGREEMENT * 1000:.0f} mm. Its pose is wrong."
        )


def check_synchronised(views: Sequence[View], name: str) -> None:
    """Refuse a view whose 2D fits the others' much better some frames earlier or later (up to MAX_SHIFT)."""
    which, shift, error, without = best_shift(views)
    if shift:
        frames = f"{abs(shift)} frame{'s' if abs(shift) > 1 else ''} {'later' if shift > 0 else 'earlier'}"
        raise PoseFKError(
            f"{name}: view {views[which].camera_name} fits the others to {error:.2g} instead of {without:.2g} half "
            f"image widths if it is taken {frames}: the views are not synchronised. Shift it."
        )


def best_shift(views: Sequence[View], max_shift: int = MAX_SHIFT) -> tuple[int, int, float, float]:
    """(view, frames, error, error without): frame t of all others goes with frame t + frames of that view.

    The error is the median distance, in half image widths, between a view's 2D and what the others make of it. 0 frames
    unless another shift fits much better. Of two views the second is the one named, since nobody can tell.
    """
    reach = min(max_shift, (len(views[0].joints_2d) - 1) // 4)
    frames = np.arange(reach, len(views[0].joints_2d) - reach)
    frames = frames[:: max(1, len(frames) // SAMPLED_FRAMES)]
    without = _reprojection_error(views, [frames] * len(views))
    if not reach or without < SMALLEST_ERROR:
        return 0, 0, without, without
    shifts = range(-reach, reach + 1)
    if len(views) == 2:
        errors = {(1, shift): _reprojection_error(views, [frames, frames + shift]) for shift in shifts}
    else:
        errors = {
            (which, shift): error
            for which in range(len(views))
            for shift, error in zip(shifts, _errors_beside_others(views, which, frames, shifts), strict=True)
        }
    which, shift = min(errors, key=lambda key: (errors[key], abs(key[1])))
    if errors[which, shift] > MUCH_BETTER * errors[which, 0]:
        return 0, 0, without, without
    return which, shift, errors[which, shift], errors[which, 0]


def _errors_beside_others(views: Sequence[View], which: int, frames: np.ndarray, shifts: range) -> list[float]:
    """For each shift, how far a view's 2D then lies from the points that all others triangulate."""
    view, others = views[which], [*views[:which], *views[which + 1 :]]
    points, known = _triangulated(others, [frames] * len(others))
    errors = []
    for shift in shifts:
        at = frames[known] + shift
        enough = view.is_present[at].all() or view.is_present[at].sum() >= FEWEST_FRAMES
        errors.append(_screen_error(view, at, points) if enough else np.inf)
    return errors


def _reprojection_error(views: Sequence[View], frames: Sequence[np.ndarray]) -> float:
    """Mean over the views of the median distance between 2D and triangulated points. frames: of each view."""
    points, shared = _triangulated(views, frames)
    pairs = zip(views, frames, strict=True)
    return float(np.mean([_screen_error(view, indices[shared], points) for view, indices in pairs]))


def _screen_error(view: View, frames: np.ndarray, points: torch.Tensor) -> float:
    """Median distance of world points (f, J, 3) on the screen from a view's 2D in f frames, half image widths."""
    camera = _of_frames(view, frames)
    screen = camera.project(camera.world_to_camera(points)).numpy()
    return _median(np.linalg.norm(screen - view.joints_2d[frames], axis=-1)[view.is_present[frames]])


def _triangulated(views: Sequence[View], frames: Sequence[np.ndarray]) -> tuple[torch.Tensor, np.ndarray]:
    """World joints (f, J, 3) of those f frames that two views have, and which these are (F,). frames: of each view."""
    present = np.stack([view.is_present[indices] for view, indices in zip(views, frames, strict=True)])
    shared = present.sum(axis=0) > 1
    if not shared.any():
        return torch.zeros(0, views[0].joints_2d.shape[1], 3, dtype=torch.float64), shared
    cameras = [_of_frames(view, indices[shared]) for view, indices in zip(views, frames, strict=True)]
    cameras_of_views = Camera(
        *(torch.stack([getattr(camera, part) for camera in cameras], dim=1) for part in vars(cameras[0]))
    )
    screen = np.stack([view.joints_2d[indices[shared]] for view, indices in zip(views, frames, strict=True)], axis=1)
    counts = np.broadcast_to(present[:, shared].T[..., None], screen.shape[:-1])
    points = triangulate(
        torch.from_numpy(screen).double(), cameras_of_views, torch.from_numpy(counts.astype(np.float64))
    )
    return points, shared


def _of_frames(view: View, frames: np.ndarray) -> Camera:
    """The camera of each of some frames, float64."""
    assert view.camera is not None
    camera = view.camera.to(torch.float64)
    if view.moves:
        return camera[torch.from_numpy(frames)]
    return Camera(*(value.expand(len(frames), *value.shape) for value in vars(camera).values()))


def _poses(view: View) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 3 3"]]:
    """Centres and axes (columns, world frame) of all frames, or of the one camera of all."""
    assert view.camera is not None
    camera = view.camera.to(torch.float64)
    axes = quaternion_to_matrix(camera.orientation_wxyz).numpy()
    return camera.translation.numpy().reshape(-1, 3), axes.reshape(-1, 3, 3)


def _median(values: Float[np.ndarray, "..."] | Bool[np.ndarray, "..."]) -> float:
    return float(np.median(values)) if values.size else 0.0
