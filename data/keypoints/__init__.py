"""Detected 2D keypoints of a video: load_people reads a file and gives its people in a lifter's joints."""

from data.keypoints.clip import Hints as Hints
from data.keypoints.people import People as People
from data.keypoints.people import load_people as load_people
from data.keypoints.pieces import Piece as Piece
