"""Poses seen by several synchronised cameras, and data sets that are recorded so."""
