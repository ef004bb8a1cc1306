"""MATLAB, CDF and HDF5 files read in another process: what crashes or hangs there does not do so here.

client.py asks, child.py answers; answers.py is what goes through the pipe between them: JSON and the bytes of plain
arrays. Their readers (matlab.py, cdf.py, hdf5.py) run in the child alone.
"""
