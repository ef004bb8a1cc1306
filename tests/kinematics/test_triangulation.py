import pytest
import torch

from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera, look_at
from kinematics.camera import screen_to_rays
from kinematics.triangulation import triangulate

PINHOLE = torch.tensor([2.0, 2.0, 0.01, -0.02, 0, 0, 0, 0, 0], dtype=torch.float64)


def rig(generator: torch.Generator, poses: int, views: int, dtype: torch.dtype = torch.float64) -> Camera:
    """Cameras 3 to 6 m from the origin that look at it, others for each pose: (poses, views)."""
    position = torch.randn(poses, views, 3, generator=generator, dtype=torch.float64)
    position = (
        position
        / position.norm(dim=-1, keepdim=True)
        * (3 + 3 * torch.rand(poses, views, 1, generator=generator, dtype=torch.float64))
    )
    shape = (poses, views)
    camera = Camera(look_at(position, torch.zeros(*shape, 3, dtype=torch.float64)), position, PINHOLE.expand(*shape, 9),
                    torch.ones(shape, dtype=torch.float64))  # fmt: skip
    return camera.to(dtype)


def seen(camera: Camera, points: torch.Tensor) -> torch.Tensor:
    """(B, V, ..., 2) of points (B, ..., 3)."""
    every = points[:, None].expand(-1, camera.translation.shape[1], *points.shape[1:])
    return camera.project(camera.world_to_camera(every))


def svd_of_one_point(rays: torch.Tensor, camera: Camera, weights: torch.Tensor) -> torch.Tensor:
    """The textbook: the singular vector of the smallest singular value of the stacked homogeneous equations."""
    rows = []
    for view in range(len(rays)):
        corners = (*torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
        turn = torch.stack([camera[view].world_to_camera(corner) for corner in corners], dim=-1)
        projection = torch.cat([turn[:, :3] - turn[:, 3:], turn[:, 3:]], dim=-1)  # (3, 4)
        for axis in range(2):
            rows.append(weights[view].sqrt() * (rays[view, axis] * projection[2] - projection[axis]))
    solution = torch.linalg.svd(torch.stack(rows)).Vh[-1]
    return solution[:3] / solution[3]


@pytest.mark.parametrize("views", [2, 3, 4, 8])
def test_true_2d_gives_the_points_back(generator: torch.Generator, views: int, float_dtype: torch.dtype):
    camera = rig(generator, 20, views, float_dtype)
    points = torch.randn(20, 3, 16, 3, generator=generator, dtype=float_dtype).clamp(-1.2, 1.2)
    found = triangulate(seen(camera, points), camera)
    exact = float_dtype == torch.float64
    assert float((found - points).abs().amax()) < (1e-6 if exact else 2e-2 if views == 2 else 2e-3)


def test_human36m_s_lenses_are_undone():
    camera = Camera.stack(list(H36M_CAMERAS["S1"]))
    points = torch.tensor([0.2, 0.4, 0.9], dtype=torch.float64) + 0.8 * torch.randn(
        1, 200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    camera = Camera(*(values[None] for values in (camera.orientation_wxyz, camera.translation, camera.intrinsics,
                                                  camera.aspect)))  # fmt: skip
    found = triangulate(seen(camera, points), camera)
    assert float((found - points).norm(dim=-1).max()) < 1e-6  # metres; under 0.1 mm is asked for


def test_rays_are_what_was_projected(generator: torch.Generator, float_dtype: torch.dtype):
    camera = H36M_CAMERAS["S5"][2].to(float_dtype)
    inside = torch.rand(500, 2, generator=generator, dtype=float_dtype) - 0.5  # Human3.6M's images end at 0.45
    points = 5 * torch.cat([inside, torch.ones(500, 1, dtype=float_dtype)], dim=-1)
    rays = screen_to_rays(camera.project(points), camera.intrinsics)
    torch.testing.assert_close(rays, inside, atol=1e-6, rtol=0)


def test_noise_moves_it_as_little_as_the_textbook_s_singular_vector(generator: torch.Generator):
    camera = rig(generator, 30, 4)
    points = 0.5 * torch.randn(30, 5, 3, generator=generator, dtype=torch.float64)
    screen = seen(camera, points) + 0.005 * torch.randn(30, 4, 5, 2, generator=generator, dtype=torch.float64)
    weights = 0.1 + torch.rand(30, 4, 5, generator=generator, dtype=torch.float64)
    found, rays = triangulate(screen, camera, weights), camera.rays(screen)
    textbook = torch.stack([
        torch.stack([svd_of_one_point(rays[b, :, p], camera[b], weights[b, :, p]) for p in range(5)]) for b in range(30)
    ])  # fmt: skip
    error, wanted = ((other - points).norm(dim=-1).mean() for other in (found, textbook))
    assert error < 1.02 * wanted
    assert float((found - textbook).norm(dim=-1).median()) < 0.2 * wanted


def test_reweighted_equations_come_nearer_under_noise(generator: torch.Generator):
    camera = rig(generator, 400, 4)
    near = camera.translation.clone()
    near[:, 0] *= 0.4  # one camera much nearer: its metres are few pixels
    camera.translation = near
    points = 0.3 * torch.randn(400, 16, 3, generator=generator, dtype=torch.float64)
    screen = seen(camera, points) + 0.01 * torch.randn(400, 4, 16, 2, generator=generator, dtype=torch.float64)
    plain, better = (triangulate(screen, camera, reweightings=times) for times in (0, 3))
    assert (better - points).norm(dim=-1).mean() < (plain - points).norm(dim=-1).mean()


def test_views_without_confidence_do_not_count(generator: torch.Generator):
    camera = rig(generator, 10, 4)
    points = 0.5 * torch.randn(10, 16, 3, generator=generator, dtype=torch.float64)
    screen = seen(camera, points)
    screen[:, 2] = 0.7
    weights = torch.ones(10, 4, 16, dtype=torch.float64)
    weights[:, 2] = 0
    assert float((triangulate(screen, camera, weights) - points).abs().max()) < 1e-6


@pytest.mark.parametrize("case", ["the same camera twice", "one view alone", "no view at all"])
def test_gradients_are_finite_where_views_determine_nothing(generator: torch.Generator, case: str):
    camera = rig(generator, 6, 2)
    if case == "the same camera twice":
        camera = Camera(*(v[:, [0, 0]] for v in (camera.orientation_wxyz, camera.translation, camera.intrinsics,
                                                 camera.aspect)))  # fmt: skip
    weights = torch.ones(6, 2, 16, dtype=torch.float64)
    weights[:, {"one view alone": 1, "no view at all": slice(None)}.get(case, 0)] *= 1 if case[:3] == "the" else 0
    screen = seen(camera, torch.zeros(6, 16, 3, dtype=torch.float64)).requires_grad_()
    weights.requires_grad_()
    found = triangulate(screen, camera, weights, reweightings=1)
    found.square().sum().backward()
    assert torch.isfinite(found).all() and torch.isfinite(screen.grad).all() and torch.isfinite(weights.grad).all()


def test_gradients_are_those_of_finite_differences(generator: torch.Generator):
    camera = rig(generator, 2, 3)
    screen = seen(camera, 0.5 * torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)).requires_grad_()
    weights = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda s, w: triangulate(s, camera, w), (screen, weights))


def test_wrong_shapes_are_one_sentence(generator: torch.Generator):
    camera = rig(generator, 5, 3)
    with pytest.raises(ValueError, match="at least two views"):
        triangulate(torch.zeros(5, 1, 16, 2), rig(generator, 5, 1))
    with pytest.raises(ValueError, match="one view per camera"):
        triangulate(torch.zeros(5, 4, 16, 2), camera)
    with pytest.raises(ValueError, match="one number per point"):
        triangulate(torch.zeros(5, 3, 16, 2), camera, torch.ones(5, 3))
