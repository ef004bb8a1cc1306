"""The 144 clips that make up CMU-X and what they show, as mocap.cs.cmu.edu describes them.

CMU-X is these clips and no others, so that everybody measures on the same motion whatever else lies in their archive.
Descriptions: the database's own words, after the index compiled by B. Hahne (cgspeed, 2008).
"""

from pathlib import Path

TRAIN_SUBJECTS: tuple[str, ...] = ("01", "02", "03", "06", "07", "08", "10", "27", "29", "35")
VALIDATION_SUBJECTS: tuple[str, ...] = ("07", "29")
TEST_SUBJECTS: tuple[str, ...] = ("05", "12", "16", "26", "32", "49")
RIG_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")  # training rigs of Human3.6M, dealt out to the subjects in turn
CAPTURE_FPS = 120.0

_LINES = [line.partition(" ") for line in Path(__file__).with_name("clips.txt").read_text().splitlines()]
CMUX_CLIPS: dict[str, str] = {clip: words for clip, _, words in _LINES if "_" in clip}
"""clip -> what it shows"""
SUBJECT_THEMES: dict[str, str] = {subject: words for subject, _, words in _LINES if "_" not in subject}
"""subject -> what the database recorded it for"""
