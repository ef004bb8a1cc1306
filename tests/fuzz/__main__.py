"""python -m tests.fuzz: all targets, a table of what came of them, and exit code 1 if anything was found."""

import argparse
import importlib.util
import os
import resource
import sys
import tempfile
from pathlib import Path

ROOMS = ["kinematics", "data", "posenets", "augment", "evaluation", "training"]


def main() -> None:
    for name, value in {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}.items():
        os.environ.setdefault(name, value)
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", nargs="+", metavar="NAME", help="only these; default: all")
    parser.add_argument("--runs", type=int, default=2000, help="inputs a target (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs (%(default)s)")
    parser.add_argument("--engine", choices=("auto", "atheris", "plain"), default="auto", help="auto: atheris if there")
    parser.add_argument("--keep", type=Path, help="folder for findings; default: a new one, that is named at the end")
    arguments = parser.parse_args()
    engine = arguments.engine
    if engine == "auto":
        engine = "atheris" if importlib.util.find_spec("atheris") else "plain"
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=ROOMS):
            from tests.fuzz import campaign
    else:
        from tests.fuzz import campaign
    import torch

    torch.set_num_threads(1)
    log = campaign.Log(arguments.keep or Path(tempfile.mkdtemp(prefix="posefk-fuzz-")))
    print(f"{engine}, {arguments.runs:,} inputs a target, seed {arguments.seed}")
    print(f"{'target':<18}{'accepted':>10}{'refused':>10}{'findings':>10}{'CPU s':>10}", flush=True)
    total = [0, 0, 0]
    for target in arguments.target or campaign.TARGETS:
        start = _computed()
        counts = campaign.run_target(target, arguments.runs, arguments.seed, engine, log)
        total = [a + b for a, b in zip(total, counts, strict=True)]
        line = "".join(f"{count:>10,}" for count in counts)
        print(f"{target:<18}{line}{_computed() - start:>10.0f}", flush=True)
    print(f"{'all':<18}{''.join(f'{count:>10,}' for count in total)}")
    for (target, kind), count in sorted(log.kinds().items(), key=lambda entry: -entry[1]):
        print(f"{count:>6,}  {target}: {kind}")
    if log.kinds():
        print(f"inputs and tracebacks are in {log.folder}")
        sys.exit(1)


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
