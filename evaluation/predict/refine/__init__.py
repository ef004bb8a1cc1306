"""Refine lifted clips: one body with constant bones, fitted to all frames at once."""
