"""Checkpoint files: read without running what is in them, checked against damage, and put into networks."""
