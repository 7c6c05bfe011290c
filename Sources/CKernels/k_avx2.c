// AVX2 with fused multiply-add.
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#include "impl/table.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,prefer-256-bit"))), apply_to = function)
#define FN(name) name##_avx2
#define PASS_VECTORS 4  // 8 of 16 registers, as many as latency needs
#define UNROLL_64 1
#define UNROLL_16 4
#define TILE_ROWS 6
#define PROBE_CHAINS 4
#define TILE_VECTORS 1
#include "impl/kernels.inc"
#pragma clang attribute pop
#endif
