"""A lifter as an ONNX file."""
