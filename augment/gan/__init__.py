"""The generator, its critics and how they learn."""
