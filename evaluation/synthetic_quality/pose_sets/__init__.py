"""Sets of poses to be compared, recorded or from files."""
