"""Which joints a score counts, and how. Three protocols; docs/evaluation.md says what each can be compared with.

    all_joints        all joints of the layout, the root (always right) counted: PoseAug, DH-AUG and their kin
    official_3dhp     MPI-INF-3DHP's own: MPJPE over its 17 joints, PCK and AUC over 14 of them; needs 17 joints
    official_3dhp_16  the same for 16 joints: PCK and AUC over the same 14, MPJPE over 16 (3DHP's "head" is missing)

3DHP's neck is Thorax and its head_top is Head in all layouts (kinematics/layouts.py), so no layout lacks the 14 joints.

All subtract the root of prediction and target, and count a joint as right when nearer than 150 mm, strictly.
"""

from dataclasses import dataclass

from kinematics.errors import choose
from kinematics.skeleton import Skeleton

# mpii_get_pck_auc_joint_groups: the joints of PCK and AUC in the order of its table
# ("Thorax" is its neck, "Head" its head_top).
_LIMBS = {part: (f"R{part}", f"L{part}") for part in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")}
_OFFICIAL_GROUPS = {"Head": ("Head",), "Neck": ("Thorax",), **_LIMBS}


@dataclass(frozen=True)
class Protocol:
    """name; layouts: the joint layouts it can score (none: any); groups: joints of PCK and AUC (none: all joints)."""

    name: str
    layouts: tuple[str, ...] = ()
    groups: dict[str, tuple[str, ...]] | None = None

    def joints(self, skeleton: Skeleton) -> list[int]:
        """Indices of the joints that PCK and AUC count."""
        if self.groups is None:
            return list(range(skeleton.num_joints))
        return [index for group in self.group_joints(skeleton).values() for index in group]

    def group_joints(self, skeleton: Skeleton) -> dict[str, list[int]]:
        groups = (self.groups or {}).items()
        return {name: [skeleton.joints.index(joint) for joint in joints] for name, joints in groups}

    def check(self, skeleton: Skeleton) -> None:
        """Refuse a layout without the joints this protocol counts."""
        if self.layouts and skeleton.name not in self.layouts:
            fitting = [name for name, other in PROTOCOLS.items() if not other.layouts or skeleton.name in other.layouts]
            raise ValueError(
                f"Protocol {self.name} scores joints of {' or '.join(self.layouts)}, these are {skeleton.name}: choose "
                f"from {', '.join(fitting)}."
            )


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("all_joints"),
        Protocol("official_3dhp", ("mpi_inf_3dhp_17", "h36m_17"), _OFFICIAL_GROUPS),
        Protocol("official_3dhp_16", ("h36m_16",), _OFFICIAL_GROUPS),
    )
}


def protocol_named(name: str) -> Protocol:
    return PROTOCOLS[choose("protocol", name, PROTOCOLS)]


def protocols_for(test_set: str, skeleton: Skeleton) -> tuple[str, ...]:
    """The protocols usually reported for a test set: all_joints, and on 3DHP the official one that fits the layout."""
    official = [name for name, protocol in PROTOCOLS.items() if skeleton.name in protocol.layouts]
    return ("all_joints", *(official if test_set in ("3dhp", "3dhp_sparse") else ()))
