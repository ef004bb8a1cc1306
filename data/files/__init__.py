"""Files at the door: npz without running what is pickled inside, MATLAB and HDF5 files, writing whole or not at all."""
