"""Who and what Human3.6M holds, and how the family of projects spells it (VideoPose3D's naming)."""

import re

TRAIN_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")
VALIDATION_SUBJECTS = ("S8",)
TEST_SUBJECTS = ("S9", "S11")
SUBJECTS = TRAIN_SUBJECTS + TEST_SUBJECTS

ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip
SYNTHETIC = "Synthetic"  # recordings of exported poses, which are no action of the data set but are read like one
RECORDINGS_PER_ACTION = 2
FPS = 50.0

# S11's first recording of Directions is corrupt in the data set as released; every project leaves it out.
EXCLUDED = (("S11", "Directions"),)

_RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}


def canonical_recording(name: str) -> str | None:
    """VideoPose3D's name of a recording: "TakingPhoto 1" -> "Photo 1"; None if it is no action of the data set."""
    match = re.fullmatch(r"([A-Za-z]+)( \d+)?", name.strip())
    if match is None:
        return None
    action = _RENAMED.get(match[1], match[1])
    return action + (match[2] or "") if action in (*ACTIONS, SYNTHETIC) else None


def action_of(recording: str) -> str:
    """The action of a recording: "Photo 1" -> "Photo"."""
    return recording.partition(" ")[0]


def expected_recordings(subject: str, action: str) -> int:
    """How many recordings of an action a subject has in the whole data set, without the corrupt one."""
    return RECORDINGS_PER_ACTION - ((subject, action) in EXCLUDED)
