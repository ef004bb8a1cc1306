"""Settings of a run: dataclasses inside (training.settings), flat flags outside.

Three layers, the later one wins: the defaults there, what the recipe and the data set bring (defaults_for), what the
user typed (training.flags reads the original projects' spellings).
"""

import contextlib
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, get_origin, get_type_hints

import tyro

from augment.detector_noise.detections import check_setting
from augment.settings import RECIPES
from augment.sources.registry import mixture_sources
from data import DATA_SOURCES, DataSettings
from data.command_line import unboxed
from data.plain import from_plain as plain_to_dataclass
from data.plugins import load_plugins_typed
from evaluation.evaluate import TEST_NOISES
from posenets import ALIASES, INPUT_MODES, LIFTERS, VIEW_MODES, get_spec, lifter_names
from posenets.inputs.layouts import INPUT_LAYOUTS
from posenets.registry import LifterSpec
from training import flags
from training.presets import (
    CAMERAS,
    CLIPS,
    DH_AUG_LENGTH,
    SHORT_RUNS,
    TRAINING,
    VIEWS,
    Preset,
)
from training.ranges import check_ranges
from training.settings import LearningSettings as LearningSettings
from training.settings import LifterSettings as LifterSettings
from training.settings import OutputSettings as OutputSettings
from training.settings import Settings as Settings

RENAMED = {  # in the settings that older runs have stored
    "lifter": {"standardised": "normalized"},
    "learning": {"gan_every": "gan_interval", "mirrored": "flip_augment", "playback": "time_reversal"},
    "self_supervision": {"noise_again": "noisier2noise"},
}
WIDEST_FILTER = 99  # frames; wider ones are several widths written as one


def read_settings(arguments: Sequence[str], recipe: str | None = None, stored: Settings | None = None) -> Settings:
    """Settings of a command line. recipe: overrules --recipe (one of --compare); stored: of the run to be resumed."""
    load_plugins_typed(arguments)
    known = setting_types()
    lists = {name for name, kind in known.items() if get_origin(kind) is tuple}
    asks = {"-h", "--help"}
    words = flags.translate([word for word in arguments if word not in asks], known, lists)
    if asks & set(arguments):
        return _tyro(["--help"], defaults_for(words))
    if recipe is not None:
        words["recipe"] = [recipe]
    if stored is None:
        settings = _tyro(_as_arguments(words), defaults_for(words))
        check(settings)
        return settings
    settings = _tyro(_as_arguments(words), stored)
    _refuse_changes(settings, stored)
    return settings


def defaults_for(words: flags.Words) -> Settings:
    """Defaults of the data set, the lifter and the recipe that a command line names, the later ones counting more."""
    recipe = (words.get("recipe") or ["posefk"])[0]
    _choose("recipe", recipe, RECIPES)
    dataset = (words.get("dataset") or [_default_dataset(words)])[0]
    _choose("dataset", dataset, DATA_SOURCES)
    source = DATA_SOURCES[dataset]
    named = (words.get("posenet_name") or [""])[0]
    if named:
        _choose("posenet_name", named, [*LIFTERS, *ALIASES])
    spec = get_spec(named or source.budget.get("lifter", {}).get("posenet_name", LifterSettings.posenet_name))
    short = SHORT_RUNS.get(recipe, {}) if source.short_runs else {}
    small = spec.small if source.short_runs else {}
    training = spec.published(spec.training, named)
    parts = [
        source.budget,
        short,
        training,
        *_published_lengths(words, dataset, recipe, spec),
        small,
        TRAINING[recipe],
    ]
    if _sees_clips(words, parts):
        parts.append(CLIPS.get(recipe, {}))
    parts.append(spec.recipes.get(recipe, {}))
    if spec.multi_view:
        parts.append(VIEWS.get(recipe, {}))
    lifter = replace(LifterSettings(), **_merged(parts, "lifter"))
    learning = replace(LearningSettings(), **_merged(parts, "learning"))
    if "filter_widths" in words and "frames" not in words:
        lifter = replace(lifter, frames=1)  # the widths say how many frames there are
    if "lr_decay" in words and "lr_schedule" not in words and learning.lr_schedule != "staircase":
        learning = replace(learning, lr_schedule="exponential")
    if not spec.budget_sizes:
        lifter = replace(lifter, posenet_width=0, dropout=-1.0)
    return Settings(
        recipe=recipe, data=DataSettings(dataset=dataset, views=CAMERAS if spec.multi_view else 1), lifter=lifter,
        learning=learning, augment=RECIPES[recipe],
    )  # fmt: skip


def _published_lengths(words: flags.Words, dataset: str, recipe: str, spec: LifterSpec) -> list[Preset]:
    """How long the lifter, and DH-AUG, were trained where they were published: on Human3.6M only."""
    if dataset != "h36m":
        return []
    lifter = spec.published(spec.h36m_length, (words.get("posenet_name") or [""])[0])
    own_length = recipe == "dh-aug" and not {"compare", "epochs"} & set(words)
    return [lifter, DH_AUG_LENGTH] if own_length else [lifter]


def _merged(parts: Sequence[Mapping[str, Mapping[str, Any]]], group: str) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.get(group, {}).items()}


def _sees_clips(words: flags.Words, parts: Sequence[Mapping[str, Mapping[str, Any]]]) -> bool:
    """Whether the lifter sees more than one frame, as typed or by default."""
    typed = words.get("filter_widths") or words.get("frames")
    frames = [part["lifter"]["frames"] for part in parts if "frames" in part.get("lifter", {})]
    return set(typed) != {"1"} if typed else bool(frames)


def _default_dataset(words: flags.Words) -> str:
    """Human3.6M where it is prepared or detections of it are asked for (the original commands name no data set)."""
    root = (words.get("data_root") or [DataSettings.data_root])[0]
    detected = (words.get("keypoints") or ["gt"])[0] != "gt"
    return "h36m" if detected or os.path.exists(os.path.join(root, "data_3d_h36m.npz")) else "cmu"


def check(settings: Settings) -> None:
    """Refuse settings that cannot work, before anything is read or written."""
    check_values(settings)
    check_setting(settings.augment.detector_noise)
    check_setting(settings.output.test_noise, "test_noise", TEST_NOISES)


def check_values(settings: Settings) -> None:
    """Of `check`, what needs no files: a run that goes on has its noise inside."""
    lifter = settings.lifter
    for recipe in (settings.recipe, *settings.compare):
        _choose("recipe", recipe, RECIPES)
    _choose("posenet_name", lifter.posenet_name, [*LIFTERS, *ALIASES])
    _choose("input_mode", lifter.input_mode, _input_modes(lifter.posenet_name))
    _check_views(settings)
    _check_keypoints(settings)
    if lifter.input_layout:
        _check_input_layout(settings)
    if max(lifter.filter_widths, default=0) > WIDEST_FILTER:
        raise ValueError(
            f"--filter_widths {max(lifter.filter_widths)}: a layer of that many frames would take all memory; the "
            "width of each layer is a number of its own, such as --filter_widths 3 3 3."
        )
    if lifter.filter_widths and lifter.frames not in (1, math.prod(lifter.filter_widths)):
        raise ValueError(f"--frames {lifter.frames} is not the product of --filter_widths: leave one of them out.")
    _choose("device", settings.device.split(":")[0], ("auto", "cpu", "cuda"))
    if re.search(r"[/\\\s]", settings.output.note):
        raise ValueError(f"--note {settings.output.note!r}: expected one word without spaces and slashes.")
    check_ranges(settings)
    mixture_sources(settings.augment.mixture)


def _input_modes(posenet_name: str) -> tuple[str, ...]:
    return VIEW_MODES if get_spec(posenet_name).multi_view else INPUT_MODES


def _check_views(settings: Settings) -> None:
    """Several cameras and lifters of several cameras go together, and learning without labels needs both."""
    name, views, own = settings.lifter.posenet_name, settings.data.views, settings.self_supervision
    several = get_spec(name).multi_view
    if several and views < 2:
        raise ValueError(f"--views {views}: {name} needs two or more cameras; for one choose another lifter.")
    if not several and views != 1:
        raise ValueError(f"--views {views}: {name} sees one camera; choose {', '.join(lifter_names(True))}.")
    if own.self_supervised and not several:
        raise ValueError(
            f"--self_supervised True needs several views, {name} sees one: choose {', '.join(lifter_names(True))}."
        )
    for flag in ("tri_loss", "reproj_loss", "adaptive_loss"):
        if getattr(own, flag) and not own.self_supervised:
            raise ValueError(f"--{flag} True is a part of learning without labels: add --self_supervised True.")
    if not 0 <= own.loss_w <= 1:
        raise ValueError(f"--loss_w {own.loss_w}: expected a share from 0 to 1.")


def _check_keypoints(settings: Settings) -> None:
    """Detections are those of Human3.6M: a run that neither learns from it nor is judged on it would not read them."""
    keypoints, dataset = settings.data.keypoints, settings.data.dataset
    if keypoints != "gt" and "h36m" not in (dataset, *settings.output.test_sets):
        raise ValueError(
            f"--keypoints {keypoints}: {dataset} has no detector's 2D, only gt; --detector_noise default puts an error "
            "on it, and detections of Human3.6M go with --dataset h36m."
        )


def _check_input_layout(settings: Settings) -> None:
    """Joints that are not the data's own are put on its 3D poses and projected: there must be nothing else to read."""
    name = settings.lifter.input_layout
    _choose("input_layout", name, INPUT_LAYOUTS)
    only = {
        "keypoints": (settings.data.keypoints, ("gt",)), "num_joints": (settings.data.num_joints, (16,)),
        "detector_noise": (settings.augment.detector_noise, ("auto", "none")),
        "confidence": (settings.lifter.confidence, (False,)),
    }  # fmt: skip
    for flag, (value, possible) in only.items():
        if value not in possible:
            raise ValueError(f"--{flag} {value}: --input_layout {name} goes with --{flag} {possible[0]} only.")


def setting_types(kind: type = Settings) -> dict[str, Any]:
    """Type of every setting by its flat name."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        found.update(setting_types(hint) if isinstance(hint, type) and is_dataclass(hint) else {name: hint})
    return found


def flat(settings: Any) -> dict[str, Any]:
    """Value of every setting by its flat name."""
    found: dict[str, Any] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        found.update(flat(value) if is_dataclass(value) else {entry.name: value})
    return found


def to_plain(settings: Settings) -> dict[str, Any]:
    """Nested plain values, for settings.json and checkpoints."""
    return asdict(settings)


def from_plain(plain: dict[str, Any]) -> Settings:
    """The settings that to_plain() made plain; those of a file may be anything."""
    for group, names in RENAMED.items():
        if isinstance(plain, dict) and isinstance(content := plain.get(group), dict):
            plain = plain | {group: {names.get(name, name): value for name, value in content.items()}}
    settings = plain_to_dataclass(plain, Settings)
    check_values(settings)
    return settings


def _refuse_changes(settings: Settings, stored: Settings) -> None:
    """A resumed run goes on as it began; only where it computes and when it saves may change."""
    free = {"plugins", "device", "threads", "resume", "compare", "checkpoint_minutes"}
    now, before = flat(settings), flat(stored)
    changed = [name for name in now if name not in free and now[name] != before[name]]
    if changed:
        name = changed[0]
        raise ValueError(
            f"--{name} {now[name]} differs from the run's own {before[name]}: --resume continues a run as it began; "
            "leave the flag out, or start a new run."
        )


def _choose(flag: str, value: str, known: Any) -> None:
    if value not in known:
        raise ValueError(f"--{flag} {value}: choose from {', '.join(known)}.{flags.nearest(value, known)}")


def _as_arguments(words: flags.Words) -> list[str]:
    return [word for name, values in words.items() for word in (f"--{name}", *values)]


def _tyro(arguments: list[str], defaults: Settings) -> Settings:
    """tyro's parsing with its boxed error message turned into one sentence."""
    printed = io.StringIO()
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff)
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(
                Settings, prog="run_fk_gan.py", args=arguments, default=defaults, config=config, use_underscores=True
            )
    except SystemExit as error:
        if not error.code:
            raise
        raise ValueError(unboxed(printed.getvalue())) from None
