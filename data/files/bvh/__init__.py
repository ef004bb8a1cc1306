"""BVH files, read and written."""
