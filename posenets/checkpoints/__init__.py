"""Checkpoint files: read without executing their code, checked for damage, and loaded into networks."""
