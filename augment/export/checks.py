"""What no export may hold: poses that no body has, and numbers that are not finite."""

from dataclasses import fields

from torch import Tensor

from data.plausible import check_bodies
from kinematics import Camera, PoseFKError

FARTHEST_M = 10_000.0  # of joints and cameras from the origin
_ADVICE = "Nothing of this shard was kept; choose another --checkpoint, of an earlier epoch perhaps, or a --recipe."


def check_poses(joints_camera: Tensor, first: int) -> None:
    """Refuse poses that no body has. joints_camera: (N, T, 16, 3) metres; first: number of the first one."""
    frames = joints_camera.shape[1]
    check_bodies(
        joints_camera.flatten(0, 1).numpy(), "The export", farthest=FARTHEST_M, origin="its camera", advice=_ADVICE,
        called=lambda row: f"pose {first + row // frames}",
    )  # fmt: skip


def check_numbers(joints_screen: Tensor, camera: Camera) -> None:
    """Refuse joints (screen units) and cameras (metres, screen units) that are not finite or absurdly far away."""
    cameras = {part.name: getattr(camera, part.name) for part in fields(Camera)}
    for name, values in {"joints_screen": joints_screen, **cameras}.items():
        low, high = values.aminmax()  # NaN if there is one
        if not (low >= -FARTHEST_M and high <= FARTHEST_M):
            raise PoseFKError(
                f"The {name} of drawn poses go from {float(low):.3g} to {float(high):.3g}, expected finite numbers "
                f"within {FARTHEST_M:,.0f}. {_ADVICE}"
            )
