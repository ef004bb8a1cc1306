"""What `python -m viewer` can be asked."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Viewer:
    """Look at the body, a trained generator and recordings in the browser."""

    checkpoint: Path | None = None
    """A run's last.pt (its generator and its lifter), or any checkpoint of a lifter."""
    dataset: str = "cmu"
    """Recordings to page through: cmu (built in), h36m, mpi_inf_3dhp, ski, 3dhp or 3dhp_sparse."""
    port: int = 8080
    """Port of the page; 0: any that is free."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets other machines in."""
    allow_host: tuple[str, ...] = ()
    """Further names and addresses that the page may be opened by, such as a proxy's; several one after another."""
    open: bool = False
    """Open the page in this machine's browser."""
    data_root: str = "data"
    """Folder of the prepared npz files."""
    data_extra_root: str = "data_extra"
    """Folder of the 3DHP test set."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint."""
    input_mode: str = "screen"
    """What an original project's lifter reads (PoseFK's checkpoints say it themselves)."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""
