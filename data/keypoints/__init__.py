"""Detected 2D keypoints: file formats, tracks, gaps, and their joints in a lifter's layout."""
