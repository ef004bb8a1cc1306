"""Golden runs: short runs with fixed seeds whose numbers a change of form must not change.

    python -m tests.golden.runs --write        record what this tree computes
    python -m tests.golden.runs                compare with what was recorded

Numbers are compared in the order in which they are written, whatever their names: names may change.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import run_fk_gan
from augment.export import __main__ as export
from data.cmu.coding import EXCERPT, joints_of
from evaluation.predict import __main__ as predict
from evaluation.synthetic_quality import __main__ as synthetic_quality

EXPECTED = Path(__file__).with_name("expected.json")
CLIPS = ("01_01", "02_03", "05_02", "06_01", "07_01", "35_01", "49_06")
TINY = "--dataset cmu --epochs 2 --steps_per_epoch 6 --batch_size 64 --downsample 20 --threads 1 --figures False"
LIFTERS = {
    "simple_baseline": "--posenet_width 64",
    "videopose": "--posenet_width 32",
    "videopose_27": "--posenet_width 32 --frames 27",
    "seq2seq": "--posenet_width 32",
    "esmformer": "--posenet_width 32 --posenet_blocks 1 --views 2 --detector_noise default --test_noise default",
}
EXPORTS = {
    "videopose3d": "", "poseaug": "", "motionbert": "--recipe range_of_motion --frames 27",
    "mmpose": "--recipe range_of_motion",
    "hdf5": "--recipe limb_swap --dataset cmu --keep angles bones cameras seeds", "bvh": "", "coco": "",
}  # fmt: skip


def write_data(folder: Path) -> None:
    """A few clips of CMU-X as a prepared file."""
    content = dict(np.load(EXCERPT))
    spans = dict(
        zip(
            content["clips"].tolist(),
            zip(content["first_frames"], content["first_frames"][1:], strict=False),
            strict=True,
        )
    )
    frames = [np.arange(*spans[name])[:300] for name in CLIPS]
    chosen = np.isin(content["clips"], CLIPS)
    np.savez(
        folder / "data_3d_cmu.npz", format=np.array("posefk-cmu-1"), clips=np.array(CLIPS), fps=content["fps"][chosen],
        source_format=content["source_format"][chosen], first_frames=np.cumsum([0, *map(len, frames)]),
        joints_world=joints_of(content)[np.concatenate(frames)], usable=content["usable"][np.concatenate(frames)],
    )  # fmt: skip


def numbers_in(value: Any) -> Iterator[float]:
    """Every number of a plain value, in order; seconds and versions are of the machine."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not {"seconds", "versions", "time", "date", "bytes"} & {key}:
                yield from numbers_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def run_numbers(folder: Path, data: Path, recipe: str, lifter: str) -> list[float]:
    name = lifter.partition("_27")[0]
    words = f"{TINY} --recipe {recipe} --posenet_name {name} {LIFTERS[lifter]}"
    run_fk_gan.main([*words.split(), "--data_root", str(data), "--checkpoint", str(folder)])
    (results,) = folder.rglob("results.jsonl")
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    content = torch.load(next(folder.rglob("last.pt")), weights_only=True)
    weights = [float(tensor.double().abs().sum()) for tensor in content["model_pos"].values()]
    return [*numbers_in(lines), *weights]


def export_numbers(folder: Path, data: Path, name: str, flags: str) -> list[float]:
    words = ["--format", name, "--num_poses", "40", "--data_root", str(data), "--out", str(folder), *flags.split()]
    export.main(words)
    (manifest,) = folder.rglob("manifest.json")
    shards = json.loads(manifest.read_text())["shards"]
    files = [folder / shard["folder"] / file for shard in shards for file in shard["files"]]
    if name == "hdf5":  # its bytes hold times
        import h5py

        found: dict[str, int] = {}
        with h5py.File(files[0]) as file:
            file.visititems(
                lambda key, node: (
                    found.update({key: zlib.crc32(node[()].tobytes())}) if hasattr(node, "shape") else None
                )
            )
        return [float(found[key]) for key in sorted(found)]
    return [float(zlib.crc32(file.read_bytes())) for file in files]


def card_numbers(folder: Path, data: Path) -> list[float]:
    words = ["--num_poses", "3000", "--format", "poseaug", "--data_root", str(data), "--out", str(folder / "set")]
    export.main(words)
    words = [
        "--synthetic",
        str(folder / "set"),
        "--real",
        "cmu",
        "--data_root",
        str(data),
        "--out",
        str(folder / "card"),
    ]
    synthetic_quality.main(words)
    (found,) = (folder / "card").rglob("*.json")
    return list(numbers_in(json.loads(found.read_text())))


def prediction_numbers(folder: Path, data: Path) -> list[float]:
    words = f"{TINY} --steps_per_epoch 60 --recipe none --posenet_name simple_baseline --posenet_width 64"
    run_fk_gan.main([*words.split(), "--data_root", str(data), "--checkpoint", f"{folder}/run"])
    (checkpoint,) = (folder / "run").rglob("last.pt")
    points = np.random.default_rng(0).uniform(100, 900, (1, 17, 2)) + np.arange(30)[:, None, None]
    keypoints = folder / "clip.json"
    people = [
        {"image_id": i, "category_id": 1, "keypoints": np.c_[frame, np.full(17, 0.9)].ravel().tolist(), "score": 0.9}
        for i, frame in enumerate(points)
    ]
    keypoints.write_text(json.dumps(people))
    words = (
        f"--checkpoint {checkpoint} --film none --image_size 1000 1000 --keypoints {keypoints} --out {folder}/lifted"
    )
    predict.main(words.split())
    with np.load(folder / "lifted" / "pose.npz") as file:
        return [float(np.abs(file[key]).sum()) for key in file.files if file[key].dtype.kind == "f"]


def cases() -> dict[str, Callable[[Path, Path], list[float]]]:
    found: dict[str, Callable[[Path, Path], list[float]]] = {}
    for recipe in ("none", "dh-aug", "posefk"):
        for lifter in LIFTERS:
            found[f"{recipe} {lifter}"] = lambda folder, data, r=recipe, n=lifter: run_numbers(folder, data, r, n)
    for name, flags in EXPORTS.items():
        found[f"export {name}"] = lambda folder, data, n=name, f=flags: export_numbers(folder, data, n, f)
    return {**found, "card": card_numbers, "prediction": prediction_numbers}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--loud", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    known = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    wrong = []
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        data.mkdir()
        write_data(data)
        for name, case in cases().items():
            if arguments.only not in name:
                continue
            folder = Path(place) / name.replace(" ", "_")
            folder.mkdir()
            if name.startswith("export"):
                folder = folder / "out"
            with contextlib.nullcontext() if arguments.loud else contextlib.redirect_stdout(io.StringIO()):
                found = case(folder, data)
            if arguments.write:
                known[name] = found
            elif known.get(name) != found:
                pairs = [(i, a, b) for i, (a, b) in enumerate(zip(known.get(name, []), found, strict=False)) if a != b]
                wrong.append(
                    f"{name}: {len(known.get(name, []))} and {len(found)} numbers, first different {pairs[:2]}"
                )
            print(
                name, len(found), "numbers", "" if arguments.write or known.get(name) == found else "DIFFER", flush=True
            )
    if arguments.write:
        EXPECTED.write_text(json.dumps(known, indent=0) + "\n")
    print(*wrong, sep="\n")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    main()
