"""Export lifters to ONNX."""
