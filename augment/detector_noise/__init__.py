"""The error of detected 2D, fitted and drawn."""
