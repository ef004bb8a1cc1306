"""Which joints a score counts, and how; docs/evaluation.md says what each protocol can be compared with.

    all_joints        all joints of the layout, the root (always right) counted: PoseAug, DH-AUG and their kin
    official_3dhp     MPI-INF-3DHP's own: MPJPE over its 17 joints, PCK and AUC over 14 of them; needs 17 joints
    official_3dhp_16  the same for 16 joints: PCK and AUC over the same 14, MPJPE over 16 (3DHP's "head" is missing)
    limbs             the 12 joints of arms and legs about the middle of the hips: what every data set has
    limbs_head        these and the head: what HumanEva has beside a trunk of its own
    smpl_14           these 12, the pelvis and the neck: what SMPL's 24 joints share with Human3.6M's

3DHP's neck is Thorax and its head_top is Head in all layouts (kinematics/layouts.py), so no layout lacks the 14 joints.

All subtract a root from prediction and target, and count a joint as right when nearer than 150 mm, strictly.
"""

from dataclasses import dataclass

from torch import Tensor

from kinematics.errors import choose
from kinematics.skeleton import Skeleton

# mpii_get_pck_auc_joint_groups: the joints of PCK and AUC in the order of its table
# ("Thorax" is its neck, "Head" its head_top).
_LIMBS = {part: (f"R{part}", f"L{part}") for part in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")}
_OFFICIAL_GROUPS = {"Head": ("Head",), "Neck": ("Thorax",), **_LIMBS}


# Protocols of the data sets that lack some of Human3.6M's joints, which are made up for the lifter to read.
_OF_SHARED_JOINTS = {
    "humaneva": ("limbs", "limbs_head"), "3dpw": ("limbs", "smpl_14"), "3dpw_detected": ("limbs", "smpl_14"),
    "aistx": ("limbs",), "aistx_gt": ("limbs",),
}  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """One way of scoring.

    description: what its figures are, in half a sentence; layouts: the joint layouts it can score (none: any); groups:
    joints of PCK and AUC (none: all that are scored); scored: joints that any metric sees, the alignments too (none:
    all); centred_at: joints whose middle is subtracted from prediction and target (none: the layout's root).
    """

    name: str
    description: str
    layouts: tuple[str, ...] = ()
    groups: dict[str, tuple[str, ...]] | None = None
    scored: tuple[str, ...] = ()
    centred_at: tuple[str, ...] = ()

    def joints(self, skeleton: Skeleton) -> list[int]:
        """Indices, among the scored joints, of those that PCK and AUC count."""
        if self.groups is None:
            return list(range(len(self.scored or skeleton.joints)))
        return [index for group in self.group_joints(skeleton).values() for index in group]

    def group_joints(self, skeleton: Skeleton) -> dict[str, list[int]]:
        """Indices of each group, among the scored joints."""
        scored = self.scored or skeleton.joints
        return {name: [scored.index(joint) for joint in joints] for name, joints in (self.groups or {}).items()}

    def select(self, joints: Tensor, skeleton: Skeleton) -> Tensor:
        """The scored joints (N, scored, 3) of poses (N, J, 3), about the middle of centred_at."""
        centre = joints[:, [skeleton.joints.index(joint) for joint in self.centred_at]].mean(dim=1, keepdim=True)
        return joints[:, [skeleton.joints.index(joint) for joint in self.scored]] - centre

    def check(self, skeleton: Skeleton) -> None:
        """Refuse a layout without the joints this protocol counts."""
        if self.layouts and skeleton.name not in self.layouts:
            fitting = [name for name, other in PROTOCOLS.items() if not other.layouts or skeleton.name in other.layouts]
            raise ValueError(
                f"Protocol {self.name} scores joints of {' or '.join(self.layouts)}, these are {skeleton.name}: choose "
                f"from {', '.join(fitting)}."
            )
        if missing := [joint for joint in (*self.scored, *self.centred_at) if joint not in skeleton.joints]:
            raise ValueError(f"Protocol {self.name} scores {', '.join(missing)}, which {skeleton.name} has not.")


_HIPS = ("RHip", "LHip")
_LIMB_JOINTS = tuple(joint for pair in _LIMBS.values() for joint in pair)
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("all_joints", "every joint of the layout about its root, which counts as right"),
        Protocol(
            "official_3dhp",
            "MPI-INF-3DHP's own: MPJPE over 17 joints, PCK and AUC over 14",
            ("mpi_inf_3dhp_17", "h36m_17"),
            _OFFICIAL_GROUPS,
        ),  # fmt: skip
        Protocol(
            "official_3dhp_16",
            "MPI-INF-3DHP's own PCK and AUC over 14 joints, MPJPE over 16",
            ("h36m_16",),
            _OFFICIAL_GROUPS,
        ),  # fmt: skip
        Protocol(
            "limbs",
            "12 joints of arms and legs about the middle of the hips",
            groups=_LIMBS,
            scored=_LIMB_JOINTS,
            centred_at=_HIPS,
        ),  # fmt: skip
        Protocol(
            "limbs_head",
            "12 joints of arms and legs and the head about the middle of the hips",
            groups={"Head": ("Head",), **_LIMBS},
            scored=("Head", *_LIMB_JOINTS),
            centred_at=_HIPS,
        ),  # fmt: skip
        Protocol(
            "smpl_14",
            "12 joints of arms and legs, pelvis and neck about the middle of the hips",
            groups={"Pelvis": ("Hip",), "Neck": ("Thorax",), **_LIMBS},
            scored=("Hip", "Thorax", *_LIMB_JOINTS),
            centred_at=_HIPS,
        ),  # fmt: skip
    )
}


def protocol_named(name: str) -> Protocol:
    return PROTOCOLS[choose("protocol", name, PROTOCOLS)]


def protocols_for(test_set: str, skeleton: Skeleton) -> tuple[str, ...]:
    """The protocols usually reported for a test set: all_joints, on 3DHP the official one that fits the layout as well;
    on a body with other joints than the lifter's those of the joints that both have.
    """
    if _makes_up_joints(test_set, skeleton):
        return _OF_SHARED_JOINTS[test_set]
    official = [name for name, protocol in PROTOCOLS.items() if skeleton.name in protocol.layouts]
    return ("all_joints", *(official if test_set in ("3dhp", "3dhp_sparse") else ()))


def check_scores_no_made_up_joint(protocol: str, test_set: str, skeleton: Skeleton) -> None:
    """Refuse to hold a lifter against joints that a test set does not have, and that were made up of others."""
    possible = _OF_SHARED_JOINTS.get(test_set, ())
    if _makes_up_joints(test_set, skeleton) and protocol not in possible:
        raise ValueError(
            f"Protocol {protocol} scores joints that {test_set} has not itself: choose from {', '.join(possible)}."
        )


def _makes_up_joints(test_set: str, skeleton: Skeleton) -> bool:
    """HumanEva's own layout has no joint that is made up."""
    return test_set in _OF_SHARED_JOINTS and skeleton.name != "humaneva_15"
