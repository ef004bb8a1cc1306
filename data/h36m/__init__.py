"""Human3.6M: its 3D positions, detected 2D, cameras, names and bone lengths."""
