"""What no export may hold: numbers that are none, and poses that no body can have."""

from dataclasses import fields

from torch import Tensor

from kinematics import Camera, PoseFKError

REACH_M = (0.1, 3.0)  # from the hip to the joint farthest from it, along an axis: no body is smaller or larger
FARTHEST_M = 10_000.0  # from the origin, of joints and cameras
_WHAT_TO_DO = "Nothing of this shard was kept; choose another --checkpoint, of an earlier epoch perhaps, or a --recipe."


def check_bodies(joints: Tensor, first: int) -> None:
    """Refuse poses that are no bodies. joints: (N, T, 16, 3) metres, any axes, the hip first; first: number of the
    first pose in the export."""
    reach = (joints - joints[:, :, :1]).abs_().amax(dim=(2, 3))  # (N, T)
    low, high = reach.aminmax()
    if not (low >= REACH_M[0] and high <= REACH_M[1]):  # NaN is neither
        bad = ~((reach >= REACH_M[0]) & (reach <= REACH_M[1]))
        number, frame = bad.nonzero()[0].tolist()
        raise PoseFKError(
            f"Pose {first + number} of those drawn is no body: its joints reach {float(reach[number, frame]):.3g} m "
            f"from the hip, expected {REACH_M[0]} to {REACH_M[1]} m. {_WHAT_TO_DO}"
        )


def check_numbers(joints_world: Tensor, joints_screen: Tensor, camera: Camera) -> None:
    """Refuse what is not finite or lies beyond any place. metres, screen."""
    cameras = {part.name: getattr(camera, part.name) for part in fields(Camera)}
    for name, values in {"joints_world": joints_world, "joints_screen": joints_screen, **cameras}.items():
        low, high = values.aminmax()  # NaN if there is one
        if not (low >= -FARTHEST_M and high <= FARTHEST_M):
            raise PoseFKError(
                f"The {name} of drawn poses go from {float(low):.3g} to {float(high):.3g}, expected finite numbers "
                f"within {FARTHEST_M:,.0f}. {_WHAT_TO_DO}"
            )
