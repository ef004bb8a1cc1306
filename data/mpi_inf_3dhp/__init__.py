"""MPI-INF-3DHP: the official files, and the prepared training and test sets."""
