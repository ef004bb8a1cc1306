"""The joints of the 16-joint body by name: `joints[..., J.HIP, :]`."""

from enum import IntEnum


class J(IntEnum):
    """Index of each joint of Skeleton("h36m_16")."""

    HIP = 0
    R_HIP = 1
    R_KNEE = 2
    R_ANKLE = 3
    L_HIP = 4
    L_KNEE = 5
    L_ANKLE = 6
    SPINE = 7
    THORAX = 8
    HEAD = 9
    L_SHOULDER = 10
    L_ELBOW = 11
    L_WRIST = 12
    R_SHOULDER = 13
    R_ELBOW = 14
    R_WRIST = 15
