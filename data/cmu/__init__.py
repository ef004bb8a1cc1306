"""CMU motion capture: sources, prepared clips, the excerpt that ships, and CMU-X's splits."""

from data.cmu.prepared import FILE_FORMAT as FILE_FORMAT
from data.cmu.prepared import FILE_NAME as FILE_NAME
from data.cmu.prepared import HOW_TO_MAKE as HOW_TO_MAKE
from data.cmu.prepared import PreparedClip as PreparedClip
from data.cmu.prepared import read_prepared as read_prepared
from data.cmu.splits import load as load
from data.cmu.splits import looking_pieces as looking_pieces
from data.cmu.splits import rig_of as rig_of
from data.cmu.splits import rig_pieces as rig_pieces
