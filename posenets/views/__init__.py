"""Lifters of several synchronised cameras."""
