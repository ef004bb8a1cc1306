"""MPI-INF-3DHP's files as they are downloaded."""
