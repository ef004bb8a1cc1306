"""Triangulation of whole batches against a singular value decomposition for each joint of each pose.

    python -m benchmarks.triangulation

The loop is how ESMformer's self-supervision and most projects do it: stack the equations of a point's views, take the
singular vector of the smallest singular value. Both get the same undistorted 2D of four cameras, on one thread.
"""

import numpy as np
import torch

from benchmarks.command_line import without_flags
from benchmarks.timing import median_seconds
from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera
from kinematics.rotation import quaternion_to_matrix
from kinematics.triangulation import triangulate

POSES, JOINTS, LOOPED = 4096, 17, 64
REPEATS = 7


def four_cameras(poses: int) -> Camera:
    """Human3.6M's rig for every pose, lenses left out: (poses, 4), float32."""
    rig = Camera.stack(H36M_CAMERAS["S1"]).to(torch.float32)
    rig.intrinsics[:, 4:] = 0
    return Camera(*(values.expand(poses, *values.shape) for values in
                    (rig.orientation_wxyz, rig.translation, rig.intrinsics, rig.aspect)))  # fmt: skip


def looped(rays: np.ndarray, projections: np.ndarray) -> np.ndarray:
    """(B, V, J, 2) and (V, 3, 4) -> (B, J, 3), one joint after the other."""
    points = np.empty((len(rays), rays.shape[2], 3))
    for pose in range(len(rays)):
        for joint in range(rays.shape[2]):
            rows = [
                rays[pose, view, joint, axis] * projection[2] - projection[axis]
                for view, projection in enumerate(projections)
                for axis in range(2)
            ]
            solution = np.linalg.svd(np.stack(rows))[2][-1]
            points[pose, joint] = solution[:3] / solution[3]
    return points


def main() -> None:
    without_flags(__doc__)
    torch.set_num_threads(1)
    camera = four_cameras(POSES)
    joints = torch.randn(POSES, JOINTS, 3) * 0.3 + torch.tensor([0.0, 0.0, 1.0])
    every = joints[:, None].expand(-1, 4, -1, -1)
    screen = camera.project(camera.world_to_camera(every))
    turns = quaternion_to_matrix(camera.orientation_wxyz[0]).mT.double()
    projections = torch.cat([turns, -turns @ camera.translation[0].double()[..., None]], dim=-1).numpy()
    rays = camera.rays(screen).double().numpy()[:LOOPED]
    batched, loop = triangulate(screen, camera), looped(rays, projections)
    print(f"largest difference {1000 * np.abs(batched[:LOOPED].numpy() - loop).max():.3f} mm")
    ours = median_seconds(lambda: triangulate(screen, camera), REPEATS) / (POSES * JOINTS)
    theirs = median_seconds(lambda: looped(rays, projections), REPEATS) / (LOOPED * JOINTS)
    print(f"a point of four views: {1e6 * ours:.2f} us in a batch of {POSES:,} poses, {1e6 * theirs:.1f} us in a loop")
    print(f"{theirs / ours:.0f} times as fast")


if __name__ == "__main__":
    main()
