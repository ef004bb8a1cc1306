"""Detected 2D keypoints of a video: people.load_people reads a file and gives its people in a lifter's joints."""
