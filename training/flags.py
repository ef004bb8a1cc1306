"""The command line in the spellings of the original projects.

Words come in as typed; out comes {setting: its values}, by the clean names of training.config, ready for tyro. Every
flag in the README commands of DH-AUG, PoseFormer and ESMformer is known. What asks for something this version does
not have is refused in one sentence; nothing is read and then ignored.
"""

import difflib
import re
from collections.abc import Callable, Collection, Sequence

from augment.settings import BUILT_IN_SOURCES

Words = dict[str, list[str]]

# The same setting under another name: VideoPose3D and PoseFormer, DH-AUG, ESMformer.
RENAMED = {
    "-d": "dataset", "-k": "keypoints", "-str": "subjects_train", "-ste": "subjects_test", "-a": "actions",
    "-c": "checkpoint", "-r": "resume", "-e": "epochs", "-b": "batch_size", "-drop": "dropout", "-lr": "lr",
    "-lrd": "lr_decay", "-f": "frames", "--frame": "frames",
    "--lr_p": "lr", "--additional_LR_decay": "additional_lr_decay", "--Gen_DenseDim": "generator_width",
    "--Dis_DenseDim_3D": "critic_width_3d", "--Dis_DenseDim_2D": "critic_width_2d",
    "--video_Dis_DenseDim_3D": "motion_critic_width", "--single_dis_warmup_epoch": "motion_warmup",
    "--GAN_video_playback_input": "gan_time_reversal", "--Pos_video_playback_input": "time_reversal",
    "--gan_every": "gan_interval", "--mirrored": "flip_augment", "--standardised": "normalized",
    "--playback": "time_reversal", "--noise_again": "noisier2noise",
    "--nepoch": "epochs", "--previous_dir": "evaluate", "--channel": "posenet_width",
}  # fmt: skip


def _truth(flag: str, value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError(f"{flag} {value}: expected True or False.")
    return known[value.lower()]


def _only_off(reason: str) -> Callable[[str, str], Words]:
    """A switch of a part that is not in this version: off is what happens anyway, on is refused."""

    def translate(flag: str, value: str) -> Words:
        if _truth(flag, value):
            raise ValueError(f"{flag} {value}: {reason}.")
        return {}

    return translate


def _train_mode(flag: str, value: str) -> Words:
    """DH-AUG's two modes. multi only asks for several frames: how many, the lifter or --architecture says."""
    if value not in ("single", "multi"):
        raise ValueError(f"{flag} {value}: choose from single, multi.")
    return {}


def _architecture(flag: str, value: str) -> Words:
    """Filter widths of VideoPose3D; their product is the number of frames."""
    if not re.fullmatch(r"\d+(,\d+)*", value):
        raise ValueError(f"{flag} {value}: expected filter widths as in 3,3,3.")
    return {"filter_widths": value.split(",")}


def _enhancement(flag: str, value: str) -> Words:
    """Where DH-AUG's synthetic poses come from. GAN: as the recipe has it; with --recipe dh-aug from nothing else."""
    only_normal = {source: ["1" if source == "clipped_normal" else "0"] for source in BUILT_IN_SOURCES}
    meanings: dict[str, Words] = {"GAN": {}, "normal": only_normal, "NO_enhance": {"recipe": ["none"]}}
    if value not in meanings:
        raise ValueError(f"{flag} {value}: choose from {', '.join(meanings)}.{nearest(value, meanings)}")
    return meanings[value]


def _only_s1(flag: str, value: str) -> Words:
    return {"subjects_train": ["S1"]} if _truth(flag, value) else {}


def _switch(flag: str, value: str) -> Words:
    """ESMformer's switches are 1 and 0."""
    return {flag[2:]: [str(_truth(flag, value))]}


def _blocks(flag: str, value: str) -> Words:
    """ESMformer's "555": blocks of the three levels."""
    if not re.fullmatch(r"[1-9]{3}", value):
        raise ValueError(f"{flag} {value}: expected three digits as in 555, the blocks of the three levels.")
    return {flag[2:]: list(value)}


def _one_block(flag: str, value: str) -> Words:
    """ESMformer's --mclf: its program has one block there however many are asked for."""
    if value != "1":
        raise ValueError(f"{flag} {value}: there is one block between the levels, as in the original's program.")
    return {}


def _angle_limits(flag: str, value: str) -> Words:
    """False let every angle of DH-AUG's generator turn by +-180 degrees."""
    if not _truth(flag, value):
        raise ValueError(f"{flag} {value}: the generator always keeps to joint limits; choose with --limits which.")
    return {}


TRANSLATED: dict[str, Callable[[str, str], Words]] = {
    "--single_or_multi_train_mode": _train_mode,
    "--architecture": _architecture,
    "--data_enhancement_method": _enhancement,
    "--s1only": _only_s1,
    "--GAN_whether_use_preAngle": _angle_limits,
    "--video_over_200mm": _only_off("no clip is left out for being far off; damaged frames are marked by the data"),
    **dict.fromkeys(("--self_supervised", "--tri_loss", "--reproj_loss", "--adaptive_loss"), _switch),
    "--smfe": _blocks,
    "--milf": _blocks,
    "--mclf": _one_block,
}


def nearest(word: str, known: Collection[str]) -> str:
    """The ending of an error message: ' Perhaps you meant: ...', or nothing."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f" Perhaps you meant: {by_lower[near[0]]}" if near else ""


def translate(arguments: Sequence[str], settings: Collection[str], lists: Collection[str] = ()) -> Words:
    """{setting: values} of a command line. A flag given twice counts the last time, as in argparse.

    settings: the clean names there are; lists: those of them that take several values (commas separate them too).
    """
    typed: Words = {}
    implied: Words = {}
    for flag, values in _grouped(arguments):
        if flag in TRANSLATED:
            implied.update(TRANSLATED[flag](flag, _one(flag, values)))
        elif flag != "--test" or values:  # ESMformer's --test --previous_dir FILE is our --evaluate FILE
            typed.update(_meaning(flag, values, settings, lists))
    for name in implied.keys() & typed.keys():
        if implied[name] != typed[name]:
            wanted, given = " ".join(implied[name]), " ".join(typed[name])
            raise ValueError(f"--{name} {given} contradicts another flag that means --{name} {wanted}: leave one out.")
    return {**implied, **typed}


def _meaning(flag: str, values: list[str], settings: Collection[str], lists: Collection[str]) -> Words:
    name = RENAMED.get(flag) or (flag[2:].replace("-", "_") if flag.startswith("--") else "")
    if name not in settings:
        known = ["--test", *RENAMED, *TRANSLATED, *(f"--{setting}" for setting in settings)]
        raise ValueError(f"{flag} is not a flag of this command.{nearest(flag, known)} (--help lists them)")
    if name in lists:
        words = [word for value in values for word in value.split(",") if word]
        if not words:
            raise ValueError(f"{flag}: expected one word or more, none came. (--help explains every flag)")
        return {name: [] if words == ["*"] else words}
    return {name: [_one(flag, values)]}


def _one(flag: str, values: list[str]) -> str:
    if len(values) != 1:
        raise ValueError(f"{flag} got {len(values)} values ({' '.join(values)}), expected one." if values
                         else f"{flag} got no value, expected one.")  # fmt: skip
    return values[0]


def _grouped(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Flags with the values that follow them. `--flag=value` is taken apart; -0.5 is a value."""
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
