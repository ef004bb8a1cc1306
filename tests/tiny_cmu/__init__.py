"""A prepared CMU file of eight clips of at most 60 frames: the recorded poses that tests train and are tested on.

    python -m tests.tiny_cmu        writes it again, from the excerpt that ships

Training: 02_01 walk, 02_04 jump, 03_01 walk, 35_17 run; validation: 07_01 walk; tests: 05_02 dance, 12_01 walk,
49_06 cartwheel. `actions=("walk",)` leaves something in every split.
"""

from pathlib import Path

from data import DataSettings

ROOT = Path(__file__).parent
CLIPS = ("02_01", "02_04", "03_01", "05_02", "07_01", "12_01", "35_17", "49_06")
FRAMES = 60
FLAGS = f"--dataset cmu --data_root {ROOT}"
SETTINGS = DataSettings(data_root=str(ROOT))
