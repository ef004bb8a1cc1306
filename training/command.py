"""The console command: `posefk train` and so on say the same as `python -m ...`. Imports nothing heavy."""

import difflib
import runpy
import sys
from collections.abc import Mapping, Sequence

COMMANDS = {
    "train": ("run_fk_gan", "train a lifter, compare recipes, go on with a run"),
    "export": ("augment.export", "write a synthetic pose set for your own trainer"),
    "evaluate": ("evaluation.cross_domain", "score a checkpoint on test sets"),
    "predict": ("evaluation.predict", "2D keypoints of a video -> 3D"),
    "models": ("posenets.shipped", "list the lifters that ship, with their model cards"),
    "uncertainty": ("training.uncertainty", "fit how sure a lifter is of each joint"),
    "quality": ("evaluation.synthetic_quality", "a card of how good a synthetic pose set is"),
    "noise": ("augment.detector_noise", "measure a detector's error, to train with"),
    "view": ("viewer", "a lifted clip, the body, synthetic poses, recordings in the browser"),
    "prepare": ("", "download or convert a data set: 3dhp, h36m or cmu"),
}
DATA_SETS = {
    "3dhp": ("prepare_data_3dhp", "MPI-INF-3DHP"),
    "h36m": ("data.prepare_data_h36m", "Human3.6M"),
    "cmu": ("data.prepare_data_cmu", "the CMU motion capture database"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the module that a subcommand names, with the words behind it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    prog, module = "posefk", _chosen("posefk", COMMANDS, words)
    if not module:
        prog, words = "posefk prepare", words[1:]
        module = _chosen(prog, DATA_SETS, words)
    sys.argv = [f"{prog} {words[0]}", *words[1:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _chosen(prog: str, choices: Mapping[str, tuple[str, str]], words: Sequence[str]) -> str:
    """The module that the first word names; leaves with the list of choices, or a refusal."""
    if not words or words[0] in ("-h", "--help"):
        lines = [f"  {name:12}{text}" for name, (_, text) in choices.items()]
        print(f"usage: {prog} COMMAND ...\n\n" + "\n".join(lines) + f"\n\n{prog} COMMAND --help explains each.")
        raise SystemExit(0)
    if words[0] not in choices:
        near = difflib.get_close_matches(words[0], choices, n=1)
        hint = f" Perhaps you meant: {near[0]}" if near else ""
        print(f"{prog} {words[0]}: choose from {', '.join(choices)}.{hint}", file=sys.stderr)
        raise SystemExit(2)
    return choices[words[0]][0]


if __name__ == "__main__":
    main()
