"""What was typed on the command line of a run, in the spellings of the original projects too; nothing is ignored."""

import re
from collections.abc import Callable, Sequence
from typing import Any, get_origin

from augment.settings import BUILT_IN_SOURCES
from data.command_line import run_tyro
from kinematics.errors import choose, nearest
from training.config.settings import Settings
from training.config.values import flat, setting_types

Words = dict[str, list[str]]  # setting -> its values

# The same setting under another name: VideoPose3D and PoseFormer, DH-AUG, ESMformer, earlier versions.
ALIASES = {
    "-d": "dataset", "-k": "keypoints", "-str": "subjects_train", "-ste": "subjects_test", "-a": "actions",
    "-c": "checkpoint", "-r": "resume", "-e": "epochs", "-b": "batch_size", "-drop": "dropout", "-lr": "lr",
    "-lrd": "lr_decay", "-f": "frames", "--frame": "frames",
    "--lr_p": "lr", "--additional_LR_decay": "additional_lr_decay", "--Gen_DenseDim": "generator_width",
    "--Dis_DenseDim_3D": "critic_width_3d", "--Dis_DenseDim_2D": "critic_width_2d",
    "--video_Dis_DenseDim_3D": "motion_critic_width", "--single_dis_warmup_epoch": "motion_warmup",
    "--GAN_video_playback_input": "gan_time_reversal", "--Pos_video_playback_input": "time_reversal",
    "--nepoch": "epochs", "--previous_dir": "evaluate", "--channel": "posenet_width",
    "--gan_every": "gan_interval", "--mirrored": "flip_augment", "--playback": "time_reversal",
    "--noise_again": "noisier2noise", "--standardised": "normalized",
}  # fmt: skip


def _truth(flag: str, value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError(f"{flag} {value}: expected True or False.")
    return known[value.lower()]


def _only(wanted: bool, reason: str) -> Callable[[str, str], Words]:
    """A switch that can be set one way only: the other way asks for a part that is not in this version."""

    def translate(flag: str, value: str) -> Words:
        if _truth(flag, value) != wanted:
            raise ValueError(f"{flag} {value}: {reason}.")
        return {}

    return translate


def _matching(pattern: str, expected: str, meaning: Callable[[str, str], Words]) -> Callable[[str, str], Words]:
    """A value of a certain form."""

    def translate(flag: str, value: str) -> Words:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{flag} {value}: {expected}.")
        return meaning(flag[2:], value)

    return translate


def _enhancement(flag: str, value: str) -> Words:
    """Translate where DH-AUG's synthetic poses come from; normal: from clipped_normal alone."""
    only_normal = {source: ["1" if source == "clipped_normal" else "0"] for source in BUILT_IN_SOURCES}
    meanings: dict[str, Words] = {"GAN": {"gan": ["0.1"]}, "normal": only_normal, "NO_enhance": {"recipe": ["none"]}}
    return meanings[choose(flag, value, meanings)]


_LEVELS = _matching("[1-9]{3}", "expected three digits as in 555, the blocks of the three levels",
                    lambda name, value: {name: list(value)})  # fmt: skip
TRANSLATED: dict[str, Callable[[str, str], Words]] = {
    # multi only asks for several frames: how many, the lifter or --architecture says
    "--single_or_multi_train_mode": _matching("single|multi", "choose from single, multi", lambda name, value: {}),
    "--architecture": _matching(r"\d+(,\d+)*", "expected filter widths as in 3,3,3",
                                lambda name, value: {"filter_widths": value.split(",")}),
    "--data_enhancement_method": _enhancement,
    "--s1only": lambda flag, value: {"subjects_train": ["S1"]} if _truth(flag, value) else {},
    "--GAN_whether_use_preAngle": _only(
        True, "the generator always keeps to joint limits; choose with --limits which"
    ),  # False let every angle of DH-AUG's generator turn by +-180 degrees
    "--video_over_200mm": _only(
        False, "no clip is left out for being far off; damaged frames are marked by the data"
    ),
    **{f"--{name}": lambda flag, value: {flag[2:]: [str(_truth(flag, value))]}  # ESMformer's switches are 1 and 0
       for name in ("self_supervised", "tri_loss", "reproj_loss", "adaptive_loss")},
    "--smfe": _LEVELS,
    "--milf": _LEVELS,
    # ESMformer's program has one block there however many are asked for
    "--mclf": _matching("1", "there is one block between the levels, as in the original's program", lambda *_: {}),
}  # fmt: skip


def read_typed(arguments: Sequence[str]) -> dict[str, Any]:
    """{setting: value} of a command line, as far as it was typed. A flag given twice counts the last time."""
    words, implied = _clean_words(arguments)
    typed, meant = _values(words), _values(implied)
    for name in meant.keys() & typed.keys():
        if meant[name] != typed[name]:
            given, wanted = " ".join(words[name]), " ".join(implied[name])
            raise ValueError(f"--{name} {given} contradicts another flag that means --{name} {wanted}: leave one out.")
    return {**meant, **typed}


def _clean_words(arguments: Sequence[str]) -> tuple[Words, Words]:
    """The words behind each setting as typed, and as flags mean that have to be translated."""
    words: Words = {}
    implied: Words = {}
    for flag, values in _flags_with_values(arguments):
        if flag in TRANSLATED:
            if len(values) != 1:
                raise ValueError(f"{flag} got {len(values)} values, expected one.")
            implied |= TRANSLATED[flag](flag, values[0])
        elif flag == "--explain" and not values:
            words["explain"] = ["True"]
        elif flag != "--test" or values:  # ESMformer's --test --previous_dir FILE is our --evaluate FILE
            name = ALIASES.get(flag) or flag[2:].replace("-", "_")
            if name not in setting_types():
                known = ["--test", *ALIASES, *TRANSLATED, *(f"--{setting}" for setting in setting_types())]
                raise ValueError(f"{flag} is not a flag of this command.{nearest(flag, known)} (--help lists them)")
            words[name] = values
    return words, implied


def _flags_with_values(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """-0.5 is a value. `--flag=value` is taken apart."""
    groups: list[tuple[str, list[str]]] = []
    for word in arguments:
        if re.match(r"-{1,2}[A-Za-z]", word):
            flag, equals, value = word.partition("=")
            groups.append((flag, [value] if equals else []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise ValueError(f"{word} stands before any flag, expected --flag value.")
    return groups


def _values(words: Words) -> dict[str, Any]:
    """Settings of those words. Commas separate the values of lists too, and * is all there are."""
    arguments = []
    for name, values in words.items():
        if get_origin(setting_types()[name]) is tuple:
            values = [part for value in values for part in value.split(",") if part]
            if not values:
                raise ValueError(f"--{name}: expected one word or more, none came. (--help explains every flag)")
            values = [] if values == ["*"] else values
        elif len(values) != 1:
            raise ValueError(f"--{name} got {len(values)} values ({' '.join(values)}), expected one.")
        arguments += [f"--{name}", *values]
    parsed = flat(run_tyro(Settings, "run_fk_gan.py", arguments))
    return {name: parsed[name] for name in words}
