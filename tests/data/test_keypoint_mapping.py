"""Keypoints in the lifter's layout: by name, made up where they must be, missing where they cannot."""

import numpy as np
import pytest
import torch

from data import load_test_set
from data.keypoints.mapping import to_layout
from kinematics import PoseFKError, Skeleton
from kinematics.head import from_body
from tests.tiny_cmu import SETTINGS

BODY = Skeleton("h36m_16")
DETECTORS = ("coco_17", "openpose_18", "body_25", "halpe_26", "mediapipe_33")


@pytest.fixture(scope="module")
def views():
    """Views of CMU-X's test people, (F, 16, 3) metres each, with their cameras."""
    return [recording.views[0] for recording in load_test_set("cmux_a", SETTINGS)]


def _random(layout, frames=5):
    draw = np.random.default_rng(0)
    return draw.normal(500, 100, (frames, layout.num_joints, 2)), draw.uniform(0.5, 1, (frames, layout.num_joints))


def test_the_same_layout_is_unchanged():
    for name in ("h36m_17", "coco_17"):
        keypoints, scores = _random(Skeleton(name))
        joints, certainty, made_up = to_layout(keypoints, scores, Skeleton(name), Skeleton(name))
        np.testing.assert_array_equal(joints, keypoints)
        np.testing.assert_array_equal(certainty, scores)
        assert made_up == []


@pytest.mark.parametrize("source", DETECTORS)
@pytest.mark.parametrize("target", ["h36m_16", "h36m_17", "mpi_inf_3dhp_17", "lsp_14", "coco_17"])
def test_joints_that_are_there_are_taken_by_name(source, target):
    layout, wanted = Skeleton(source), Skeleton(target)
    keypoints, scores = _random(layout)
    joints, certainty, made_up = to_layout(keypoints, scores, layout, wanted)
    assert set(made_up) == set(wanted.joints) - set(layout.joints)
    for index, name in enumerate(wanted.joints):
        if name not in made_up:
            own = layout.joints.index(name)
            np.testing.assert_array_equal(joints[:, index], keypoints[:, own])
            np.testing.assert_array_equal(certainty[:, index], scores[:, own])
    assert np.isfinite(joints).all() and (certainty > 0.4).all()


@pytest.mark.parametrize("source", DETECTORS)
def test_mapping_moves_and_grows_with_the_picture(source):
    layout = Skeleton(source)
    keypoints, scores = _random(layout)
    joints, *_ = to_layout(keypoints, scores, layout, BODY)
    moved, *_ = to_layout(3 * keypoints + [7, -5], scores, layout, BODY)
    np.testing.assert_allclose(moved, 3 * joints + [7, -5], rtol=1e-9)


def test_a_coco_body_maps_back_to_the_body_it_was_made_of(views):
    """In shares of the body's height on the screen: limbs exactly, the trunk's joints within 8 %."""
    for view in views:
        assert view.camera is not None
        body = torch.from_numpy(view.joints_3d)
        screen = view.joints_2d
        height = np.ptp(screen[..., 1], axis=1).mean()
        for name, bound in (("coco_17", 0.08), ("h36m_17", 1e-4)):
            seen = view.camera.project(from_body(body, name)).numpy()
            joints, _, _ = to_layout(seen, np.ones(seen.shape[:2]), Skeleton(name), BODY)
            errors = np.linalg.norm(joints - screen, axis=-1).mean(axis=0) / height  # (16,)
            trunk = [BODY.joints.index(joint) for joint in ("Hip", "Spine", "Thorax", "Head")]
            assert np.delete(errors, trunk).max() < 1e-4
            assert errors.max() < bound, dict(zip(BODY.joints, errors, strict=True))


def test_a_neck_made_up_of_a_face_is_near_where_an_average_head_has_it(views):
    view = views[0]
    body = torch.from_numpy(view.joints_3d)
    assert view.camera is not None
    face, neck = (view.camera.project(from_body(body, name)).numpy() for name in ("coco_17", "h36m_17"))
    height = np.ptp(neck[..., 1], axis=1).mean()
    joints, _, made_up = to_layout(face, np.ones(face.shape[:2]), Skeleton("coco_17"), Skeleton("h36m_17"))
    assert "NeckNose" in made_up
    index = Skeleton("h36m_17").joints.index("NeckNose")
    assert np.linalg.norm(joints - neck, axis=-1)[:, index].mean() / height < 0.02


def test_one_ear_or_the_eyes_stand_for_a_head_whose_ears_are_hidden():
    coco = Skeleton("coco_17")
    keypoints, scores = _random(coco, 4)
    place = {name: coco.joints.index(name) for name in ("REar", "LEar", "REye", "LEye", "Nose")}
    keypoints[1:, place["REar"]] = keypoints[2:, place["LEar"]] = keypoints[3:, place["LEye"]] = np.nan
    joints, certainty, _ = to_layout(keypoints, scores, coco, BODY)
    head = joints[:, BODY.joints.index("Head")]
    ears, eyes = (keypoints[:, [place["R" + part], place["L" + part]]].mean(axis=1) for part in ("Ear", "Eye"))
    wanted = [ears[0], keypoints[1, place["LEar"]], eyes[2], keypoints[3, place["Nose"]]]
    np.testing.assert_allclose(head, wanted)
    assert certainty[1, BODY.joints.index("Head")] == scores[1, place["LEar"]]


def test_what_a_head_hides_of_its_face_is_where_the_nearest_of_it_is_seen():
    coco = Skeleton("coco_17")
    keypoints, scores = _random(coco, 3)
    eye, nose, ear = (coco.joints.index(name) for name in ("LEye", "Nose", "LEar"))
    keypoints[1, [eye, nose]] = np.nan
    keypoints[2, :5] = np.nan
    joints, certainty, made_up = to_layout(keypoints, scores, coco, coco)
    np.testing.assert_array_equal(joints[0], keypoints[0])
    np.testing.assert_allclose(joints[1, [eye, nose]], keypoints[1, [coco.joints.index("REye")] * 2])
    assert np.isnan(joints[2, :5]).all() and not certainty[2, :5].any() and not made_up  # from behind: nothing is seen


def test_what_nothing_can_be_made_of_is_missing_with_score_0():
    coco = Skeleton("coco_17")
    keypoints, scores = _random(coco)
    keypoints[2, coco.joints.index("RHip")] = np.nan
    joints, certainty, _ = to_layout(keypoints, scores, coco, BODY)
    missing = [BODY.joints[i] for i in np.flatnonzero(np.isnan(joints[2]).any(axis=-1))]
    assert missing == ["Hip", "RHip", "Spine"] and not certainty[2][np.isnan(joints[2]).any(axis=-1)].any()
    assert np.isfinite(np.delete(joints, 2, axis=0)).all()


def test_impossible_layouts_are_refused_by_name():
    keypoints, scores = _random(BODY)
    with pytest.raises(PoseFKError, match=r"h36m_16.*cannot become.*coco_17.*nothing to make Nose, LEye"):
        to_layout(keypoints, scores, BODY, Skeleton("coco_17"))
