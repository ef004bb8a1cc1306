"""What the figures in the scene are made of."""

import numpy as np
import pytest

pytest.importorskip("viser")

from viewer.scene import along, turned  # noqa: E402


def turn(wxyz: np.ndarray, vector: np.ndarray) -> np.ndarray:
    w, u = wxyz[0], wxyz[1:]
    return vector + 2 * w * np.cross(u, vector) + 2 * np.cross(u, np.cross(u, vector))


def test_a_bone_lies_along_its_vector_also_straight_down():
    random = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    vectors = np.concatenate([random, 0.4 * np.eye(3), -0.4 * np.eye(3), [[1e-4, 0, -0.4]]])
    for vector, wxyz, length in zip(vectors, *along(vectors), strict=True):
        np.testing.assert_allclose(length * turn(wxyz, np.array([0.0, 0.0, 1.0])), vector, atol=1e-5)


def test_a_turned_ball_is_closed_and_its_faces_look_outwards():
    angle = np.linspace(0.001, np.pi - 0.001, 9)
    vertices, faces = turned(np.sin(angle), -np.cos(angle))
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    outwards = np.einsum("fc,fc->f", np.cross(second - first, third - first), first + second + third)
    assert (outwards > -1e-9).all() and (outwards > 1e-6).mean() > 0.8
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=-1), 1.0, atol=1e-5)
