"""What no body, no camera and no image can be: the bounds that numbers are held to where they enter and leave.

The bounds are wide, so that no recording is refused, and narrow enough that one wild number (1e30 pixels, a joint at
10 km) cannot spoil the statistics of a run in silence. docs/conventions.md has them as a table. Every check is one pass
over an array that is in order; where it is not, one sentence names the frame, the joint and the number.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from kinematics.camera import Camera
from kinematics.skeleton import Skeleton

FARTHEST_M = 100.0  # of a joint or camera from the world's origin, or a joint from its camera: halls end before
OUTDOORS_M = 1000.0  # the same under the open sky; float32 still tells 0.1 mm there
LEAST_REACH_M, REACH_M = 0.1, 4.0  # of the joint farthest from the root: 0.3 m of a small child, 1.6 of a giant
LEAST_PREDICTED_M = 0.01  # the same of a prediction: a lifter that has hardly learnt predicts small bodies
MOST_WIDTHS = 5.0  # image widths at which a detector may put a joint: it guesses what is just outside
MOST_SCREEN = 20.0  # half image widths from the image's middle that a projected joint may lie: near cameras see far
MOST_PIXELS = 1e6  # where the image's size is not known
MOST_SCORE = 1000.0  # of a detector's score, some of which are percent or logits
FPS = (0.1, 1000.0)  # time lapse to high-speed cameras
IMAGE_SIZE = (1, 100_000)  # pixels
FOCAL, CENTRE, DISTORTION, ASPECT = (0.1, 1000.0), 100.0, 100.0, (0.02, 50.0)  # half image widths, none, none
MOST_TURN_DEG = 1e5  # of an angle in a motion file: some 300 turns on the spot
_CHUNK = 512  # frames at once, so that they stay in the cache
THIGH_M = (0.2, 0.7)  # median over a file
_BODY_M = (0.3, 2.5)  # median reach that tells the unit of a file


def check_bodies(
    joints: Float[np.ndarray, "frames joints 3"], where: str, *, farthest: float | int = FARTHEST_M,
    origin: str = "the world's origin", advice: str = "", called: Callable[[int], str] = "frame {}".format,
    least: float | int = LEAST_REACH_M,
) -> None:  # fmt: skip
    """Refuse poses that no body has. joints: metres, in a layout known by its number of joints, joint 0 the root.

    where: what holds them; farthest, origin: of their axes, metres; advice: what to do; called: name of a row, from 0;
    least: reach of a body, metres.
    """
    wrong = [
        start + row
        for start in range(0, len(joints), _CHUNK)
        for row in _wrong_bodies(joints[start : start + _CHUNK], farthest, least).tolist()
    ]
    if not wrong:
        return
    frame, count = wrong[0], len(joints)
    fault = _fault(joints[frame].astype(np.float64), farthest, origin, least)
    share = f" ({len(wrong)} of {count} are like that)" if count > 1 else ""
    raise ValueError(f"{where}: {called(frame)} has {fault}{share}.{_unit(joints)} {advice}".strip())


def _wrong_bodies(joints: np.ndarray, farthest: float | int, least: float | int) -> np.ndarray:
    """Numbers of the frames that are no bodies, or not near enough."""
    columns = np.ascontiguousarray(joints.reshape(len(joints), -1).T).reshape(*joints.shape[1:], -1)  # (J, 3, F): fast
    with np.errstate(invalid="ignore", over="ignore"):
        offsets = np.abs(columns - columns[0]).max(axis=(0, 1))  # along an axis: less than the reach
        places = np.abs(columns[0]).max(axis=0)
        fine = (offsets >= least) & (offsets <= REACH_M / 2) & (places <= (farthest - REACH_M) / 2)
    doubtful = np.flatnonzero(~fine)
    if not len(doubtful):
        return doubtful
    exact = joints[doubtful].astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        reach = np.linalg.norm(exact - exact[:, :1], axis=-1).max(axis=1)
        away = np.linalg.norm(exact, axis=-1).max(axis=1)
    return doubtful[~((reach >= least) & (reach <= REACH_M) & (away <= farthest))]


def _fault(pose: Float[np.ndarray, "joints 3"], farthest: float | int, origin: str, least: float | int) -> str:
    """What is wrong with a pose, in words."""
    names, pose = _joint_names(len(pose)), pose.astype(np.longdouble)  # squares of 1e300 are no doubles
    with np.errstate(invalid="ignore", over="ignore"):
        away, reach = np.linalg.norm(pose, axis=-1), np.linalg.norm(pose - pose[:1], axis=-1)
    if not np.isfinite(pose).all():
        joint = int(np.argmin(np.isfinite(pose).all(axis=1)))
        return f"{names[joint]} at {_point(pose[joint])}, expected finite metres"
    joint = int(reach.argmax())
    if not reach[joint] <= REACH_M:
        return f"{names[joint]} {_metres(float(reach[joint]))} from the root, expected at most {REACH_M:g} m"
    if reach[joint] < least:
        return f"all joints within {_metres(float(reach[joint]))} of the root, expected one {least:g} m away or more"
    joint = int(away.argmax())
    return f"{names[joint]} {_metres(float(away[joint]))} from {origin}, expected at most {farthest:g} m"


def _unit(joints: Float[np.ndarray, "frames joints 3"]) -> str:
    """A sentence where the poses are bodies in another unit."""
    with np.errstate(invalid="ignore", over="ignore"):
        some = joints[:: max(1, len(joints) // 1000)].astype(np.float64)
        reach = float(np.median(np.linalg.norm(some - some[:, :1], axis=-1).max(axis=1)))
    for unit, size in (("millimetres", 1000), ("centimetres", 100)):
        if _BODY_M[0] < reach / size < _BODY_M[1]:
            return f" They are bodies if they are {unit}: divide by {size}."
    return ""


def check_thighs(
    joints: Float[np.ndarray, "frames joints 3"], where: str, hip_and_knee: tuple[int, int] = (1, 2),
    unit: str = "m", expected: tuple[float, float] = THIGH_M, advice: str = "",
) -> None:  # fmt: skip
    """Refuse poses whose thigh, by its median, is not a person's: the unit or the order of the joints is another.

    hip_and_knee: in Human3.6M's layouts 1 and 2; unit: of the joints, m or mm; expected: metres.
    """
    hip, knee = hip_and_knee
    with np.errstate(over="ignore", invalid="ignore"):
        length = float(np.median(np.linalg.norm(joints[:, hip] - joints[:, knee], axis=-1)))
    sizes = {"m": 1, "cm": 100, "mm": 1000}
    low, high = (sizes[unit] * bound for bound in expected)
    if not low < length < high:
        like = [name for name, size in sizes.items() if expected[0] < length / size < expected[1]]
        looks = f"They look like {like[0]}." if like else "Is the order of the joints another?"
        raise ValueError(
            f"{where} has thighs of {length:.4g} {unit}, expected {low:g} to {high:g} {unit}. {looks} {advice}".strip()
        )


def check_points(
    points: Float[np.ndarray, "frames joints 2"], where: str, width: float | int | None = None, *,
    missing: bool = False, advice: str = "", called: Callable[[int], str] = "frame {}".format,
    names: Sequence[str] = (),
) -> None:  # fmt: skip
    """Refuse 2D that no image shows. points: pixels of an image `width` wide, or screen units (width: None).

    missing: NaN is a joint that was not found; names: of the joints, if their number does not tell. The other arguments
    are check_bodies'.
    """
    most, unit = (MOST_SCREEN, "half image widths") if width is None else (MOST_WIDTHS * width, "pixels")
    if not points.size or max(-float(points.min()), float(points.max())) <= most:  # NaN compares as False
        return
    wrong = np.abs(points) > most if missing else ~(np.abs(points) <= most)
    frames = np.flatnonzero(wrong.any(axis=(1, 2)))
    if not len(frames):
        return
    frame = int(frames[0])
    joint = int(wrong[frame].any(axis=1).argmax())
    name = (names or _joint_names(points.shape[1]))[joint]
    share = f" ({len(frames)} of {len(points)} are like that)" if len(points) > 1 else ""
    raise ValueError(
        f"{where}: {called(frame)} has {name} at {_point(points[frame, joint])} {unit}, expected at most {most:g}"
        f"{share}. {advice}".strip()
    )


def check_cameras(camera: Camera, where: str, farthest: float | int = FARTHEST_M, advice: str = "") -> None:
    """Refuse cameras that nobody built: not finite, turned by no rotation, or with a lens that shows nothing."""
    turned, place, lens, aspect = (
        part.detach().double().numpy()
        for part in (camera.orientation_wxyz, camera.translation, camera.intrinsics, camera.aspect)
    )
    with np.errstate(over="ignore"):
        turned, place = np.linalg.norm(turned, axis=-1), np.linalg.norm(place, axis=-1)
    checks = {
        "an orientation of length {:.4g}, expected 1": (turned, 0.99, 1.01),
        f"a centre {{:.4g}} m from the world's origin, expected at most {farthest:g}": (
            place, 0.0, farthest,
        ),
        f"a focal length of {{:.4g}} half image widths, expected {FOCAL[0]:g} to {FOCAL[1]:g}": (lens[..., :2], *FOCAL),
        f"a principal point {{:.4g}} half image widths away, expected at most {CENTRE:g}": (
            np.abs(lens[..., 2:4]), 0.0, CENTRE,
        ),
        f"a distortion of {{:.4g}}, expected at most {DISTORTION:g}": (np.abs(lens[..., 4:]), 0.0, DISTORTION),
        f"images {{:.4g}} times as high as wide, expected {ASPECT[0]:g} to {ASPECT[1]:g}": (aspect, *ASPECT),
    }  # fmt: skip
    for sentence, (values, low, high) in checks.items():
        wrong = ~((values >= low) & (values <= high))
        if wrong.any():
            raise ValueError(f"{where} has {sentence.format(values[wrong][0])}. {advice}".strip())


def check_rate(fps: float | int, where: str) -> None:
    """Refuse a frame rate that no camera has."""
    if not FPS[0] <= fps <= FPS[1]:
        raise ValueError(f"{where} has {fps:g} frames a second, expected {FPS[0]:g} to {FPS[1]:g}.")


def check_image_size(width: float | int, height: float | int, where: str) -> None:
    """Refuse an image that no camera takes."""
    if not all(IMAGE_SIZE[0] <= side <= IMAGE_SIZE[1] for side in (width, height)):
        raise ValueError(
            f"{where} has an image of {width:g} x {height:g} pixels, not {IMAGE_SIZE[0]} to {IMAGE_SIZE[1]}."
        )


def _joint_names(count: int) -> Sequence[str]:
    try:
        return Skeleton.from_num_joints(count).joints
    except ValueError:
        return [f"joint {number}" for number in range(count)]


def _point(values: np.ndarray) -> str:
    return f"({', '.join(f'{value:.4g}' for value in values.tolist())})"


def _metres(length: float) -> str:
    return f"{length:,.0f} m" if 100 <= length < 1e7 else f"{length:.3g} m"
