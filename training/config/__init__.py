"""Settings of a run: dataclasses inside, flat flags outside."""

from training.config.command_line import read_settings as read_settings
from training.config.settings import LearningSettings as LearningSettings
from training.config.settings import LifterSettings as LifterSettings
from training.config.settings import OutputSettings as OutputSettings
from training.config.settings import Settings as Settings
from training.config.values import flat as flat
from training.config.values import from_plain as from_plain
from training.config.values import setting_types as setting_types
from training.config.values import to_plain as to_plain
