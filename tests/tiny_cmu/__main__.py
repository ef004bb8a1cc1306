"""Write the file that tests/tiny_cmu/__init__.py describes."""

import numpy as np

from data.cmu.coding import EXCERPT, encode
from data.cmu.prepared import FILE_NAME, read_clips
from tests.tiny_cmu import CLIPS, FRAMES, ROOT

excerpt = dict(np.load(EXCERPT))
chosen = np.isin(excerpt["clips"], CLIPS)
clips = {name: clip for name, clip in read_clips(EXCERPT).items() if name in CLIPS}
lengths = [min(len(clip.usable), FRAMES) for clip in clips.values()]
np.savez_compressed(
    ROOT / FILE_NAME, allow_pickle=False, format=excerpt["format"], about=excerpt["about"], clips=np.array(list(clips)),
    fps=excerpt["fps"][chosen], source_format=excerpt["source_format"][chosen],
    first_frames=np.cumsum([0, *lengths]),
    second_differences=np.concatenate([encode(clip.joints_world[:FRAMES]) for clip in clips.values()], axis=2),
    usable=np.concatenate([clip.usable[:FRAMES] for clip in clips.values()]),
)  # fmt: skip
