int sinew_kernels_stub;
