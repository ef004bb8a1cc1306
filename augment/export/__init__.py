"""Synthetic pose sets as files for other trainers. `python -m augment.export` is the command (__main__.py)."""
