"""Protocols: the official 3DHP numbers, which joints count, tables that add up."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.mpi_inf_3dhp.official.test import TO_H36M_16, TO_H36M_17
from evaluation import cross_domain, format_scores, protocols_for, score_arrays
from evaluation.metrics import mpjpe, p_mpjpe, pck
from evaluation.protocols import PROTOCOLS, check_scores_no_made_up_joint
from kinematics.skeleton import Skeleton

ORACLE = np.load(Path(__file__).parents[1] / "oracles" / "metrics_reference.npz")


@pytest.fixture
def poses(float_dtype) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(ORACLE["J17_pred_m"]).to(float_dtype), torch.from_numpy(ORACLE["J17_gt_m"]).to(float_dtype)


def test_official_3dhp_equals_the_official_evaluation(poses):
    scores = score_arrays(*poses)
    assert scores["mpjpe"] == pytest.approx(float(ORACLE["mpi3dhp_official_mpjpe17_mm"]), rel=1e-5)
    assert scores["pck"] == pytest.approx(float(ORACLE["mpi3dhp_official_pck150_total_pct"]), rel=1e-5)
    assert scores["auc"] == pytest.approx(float(ORACLE["mpi3dhp_official_auc_total_pct"]), rel=1e-5)


def test_joints_in_human36m_order_get_the_same_official_scores(poses):
    prediction, target = (joints[:, TO_H36M_17] for joints in poses)
    official, reordered = score_arrays(*poses), score_arrays(prediction, target, "h36m_17")
    for measure in ("mpjpe", "p_mpjpe", "pck", "auc"):
        assert reordered[measure] == pytest.approx(official[measure], rel=1e-5)
    assert [row.name for row in reordered.tables["joints"]] == [row.name for row in official.tables["joints"]]
    assert [row["pck"] for row in reordered.tables["joints"]] == pytest.approx(
        [row["pck"] for row in official.tables["joints"]]
    )


def test_sixteen_joints_get_the_official_pck_and_auc(poses):
    prediction, target = (joints[:, TO_H36M_16] for joints in poses)
    official, of_16 = score_arrays(*poses), score_arrays(prediction, target, "h36m_16", "official_3dhp_16")
    assert (of_16["pck"], of_16["auc"]) == pytest.approx((official["pck"], official["auc"]))
    assert of_16["mpjpe"] != pytest.approx(official["mpjpe"], rel=1e-3)  # one joint fewer in the mean


def test_official_total_is_the_groups_mean_weighted_by_joints(poses):
    scores = score_arrays(*poses)
    skeleton = Skeleton("mpi_inf_3dhp_17")
    groups = PROTOCOLS["official_3dhp"].group_joints(skeleton)
    assert list(groups) == ["Head", "Neck", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]
    # mpii_get_pck_auc_joint_groups.m, one-based
    one_based = [[1], [2], [3, 6], [4, 7], [5, 8], [9, 12], [10, 13], [11, 14]]
    assert [[joint + 1 for joint in joints] for joints in groups.values()] == one_based
    for measure in ("pck", "auc"):
        rows = {row.name: row[measure] for row in scores.tables["joints"]}
        weighted = sum(len(joints) * rows[name] for name, joints in groups.items()) / 14
        assert scores[measure] == pytest.approx(weighted)


def test_all_joints_counts_the_root_and_the_official_one_does_not(generator):
    target = torch.randn(50, 16, 3, generator=generator)
    prediction = target + 0.1 * torch.randn(50, 16, 3, generator=generator)
    every = score_arrays(prediction, target, "h36m_16", "all_joints")
    official = score_arrays(prediction, target, "h36m_16", "official_3dhp_16")
    centred = (prediction - prediction[:, :1], target - target[:, :1])
    assert every["mpjpe"] == pytest.approx(1000 * mpjpe(*centred), rel=1e-5) and official["mpjpe"] == every["mpjpe"]
    assert every["pck"] == pytest.approx(pck(*centred))
    names = Skeleton("h36m_16").joints
    counted = [names.index(name) for name in names if name not in ("Hip", "Spine")]
    assert len(counted) == 14
    assert official["pck"] == pytest.approx(pck(centred[0][:, counted], centred[1][:, counted]))


def test_where_the_pose_stands_does_not_matter(generator):
    target = torch.randn(5, 16, 3, generator=generator)
    prediction = target + 0.05
    assert score_arrays(prediction, target, "h36m_16", "all_joints")["mpjpe"] < 1e-3


def test_protocols_go_with_the_joints():
    assert protocols_for("3dhp", Skeleton("h36m_16")) == ("all_joints", "official_3dhp_16")
    assert protocols_for("3dhp", Skeleton("mpi_inf_3dhp_17")) == ("all_joints", "official_3dhp")
    assert protocols_for("h36m", Skeleton("h36m_16")) == ("all_joints",)


def test_shared_joints_alone_are_scored_about_the_middle_of_the_hips(generator):
    target = torch.randn(20, 16, 3, generator=generator)
    prediction = target + 0.1 * torch.randn(20, 16, 3, generator=generator)
    names = Skeleton("h36m_16").joints
    trunk = [names.index(name) for name in ("Hip", "Spine", "Thorax", "Head")]
    limbs = [joint for joint in range(16) if joint not in trunk]
    scores = score_arrays(prediction, target, "h36m_16", "limbs")
    hips = [names.index("RHip"), names.index("LHip")]
    centred = [joints[:, limbs] - joints[:, hips].mean(1, keepdim=True) for joints in (prediction, target)]
    assert scores["mpjpe"] == pytest.approx(1000 * mpjpe(*centred), rel=1e-5)
    assert scores["p_mpjpe"] == pytest.approx(1000 * p_mpjpe(*centred), rel=1e-4)
    assert scores["pck"] == pytest.approx(pck(centred[0], centred[1]))
    by_hand = (centred[0] - centred[1])[:, [limbs.index(names.index(f"{side}Wrist")) for side in "LR"]].norm(dim=-1)
    rows = {row.name: row["mpjpe"] for row in scores.tables["joints"]}
    assert rows["Wrist"] == pytest.approx(1000 * float(by_hand.mean()), rel=1e-5)
    elsewhere = prediction.clone()
    elsewhere[:, trunk[1:]] += 5  # joints that are made up, on a test set
    assert score_arrays(elsewhere, target, "h36m_16", "limbs").total == scores.total


@pytest.mark.parametrize("protocol, count", [("limbs", 12), ("limbs_head", 13), ("smpl_14", 14)])
def test_protocols_of_shared_joints_score_as_many_as_they_say_in_every_body_layout(protocol: str, count: int):
    for layout in ("h36m_16", "h36m_17", "mpi_inf_3dhp_17", "humaneva_15"):
        assert len(PROTOCOLS[protocol].joints(Skeleton(layout))) == len(PROTOCOLS[protocol].scored) == count
        PROTOCOLS[protocol].check(Skeleton(layout))
    if protocol != "limbs":
        with pytest.raises(ValueError, match="which coco_17 has not"):
            PROTOCOLS[protocol].check(Skeleton("coco_17"))


def test_joints_that_a_test_set_lacks_are_not_scored():
    assert protocols_for("aistx", Skeleton("h36m_16")) == ("limbs",)
    assert protocols_for("humaneva", Skeleton("humaneva_15")) == ("all_joints",)
    with pytest.raises(ValueError, match="all_joints scores joints that 3dpw has not itself: choose from limbs, smpl"):
        check_scores_no_made_up_joint("all_joints", "3dpw", Skeleton("h36m_16"))
    check_scores_no_made_up_joint("all_joints", "3dpw_poseaug", Skeleton("h36m_16"))
    check_scores_no_made_up_joint("all_joints", "humaneva", Skeleton("humaneva_15"))


def test_every_protocol_is_in_the_help_the_docs_and_the_title_of_its_table(capsys):
    with pytest.raises(SystemExit):
        cross_domain.main(["--help"])
    shown = capsys.readouterr().out
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    joints = torch.randn(3, 17, 3)
    for name, protocol in PROTOCOLS.items():
        assert name in shown and f"| `{name}` |" in page
        if name != "official_3dhp_16":
            assert protocol.description in format_scores("x", score_arrays(joints, joints, "h36m_17", name))


def test_wrong_joints_and_unknown_protocols_are_refused():
    joints = torch.zeros(2, 16, 3)
    with pytest.raises(ValueError, match="choose from all_joints, official_3dhp_16"):
        score_arrays(joints, joints, "h36m_16", "official_3dhp")
    with pytest.raises(ValueError, match="expected 17"):
        score_arrays(joints, joints)
    with pytest.raises(ValueError, match="choose from all_joints, official_3dhp, official_3dhp_16"):
        score_arrays(joints, joints, "h36m_16", "offical")


def test_a_diverged_lifter_is_told(generator):
    target = torch.randn(5, 16, 3, generator=generator)
    prediction = target.clone()
    prediction[3, 2, 1] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity for 1 of 5 poses"):
        score_arrays(prediction, target, "h36m_16", "all_joints")
