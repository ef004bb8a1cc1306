"""Keypoints of a video to 3D. `python -m evaluation.predict` is the command."""
