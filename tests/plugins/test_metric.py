"""A metric of one file outside the package: the real command shows it in its table and writes it into its lines."""

import json
import subprocess
import sys
from pathlib import Path

from tests.tiny_cmu import FLAGS

ROOT = Path(__file__).parents[2]
PLUGIN = '''
from evaluation import register_metric
from evaluation.metrics import JointErrors


@register_metric("worst_joint", "mm", "Worst joint")
def worst_joint(errors: JointErrors) -> float:
    """Mean error of the worst joint of each pose."""
    return 1000 * float(errors.plain.amax(dim=1).mean())
'''
TINY = (
    f"{FLAGS} --recipe none --posenet_name simple_baseline --posenet_width 16 --epochs 1 --steps_per_epoch 2 "
    "--batch_size 32 --threads 1 --figures False"
)


def test_a_metric_of_a_plugin_is_in_the_table_and_in_every_line(tmp_path):
    plugin = tmp_path / "worst_joint.py"
    plugin.write_text(PLUGIN)
    words = ["--plugins", str(plugin), *TINY.split(), "--checkpoint", str(tmp_path / "runs")]
    done = subprocess.run([sys.executable, "run_fk_gan.py", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Worst joint mm" in done.stdout
    (results,) = tmp_path.rglob("results.jsonl")
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert lines and all(line["worst_joint"] > line["mpjpe"] > 0 for line in lines)
