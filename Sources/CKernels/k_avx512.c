// AVX-512 (F, VL, DQ, BW).
#if defined(__x86_64__)
#pragma clang diagnostic ignored "-Wpsabi"
#include "impl/table.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#define FN(name) name##_avx512
#define PASS_VECTORS 4
#define UNROLL_64 2  // 8 chains
#define UNROLL_16 4
#define TILE_ROWS 12
#define PROBE_CHAINS 16
#define TILE_VECTORS 2
#include "impl/kernels.inc"
#pragma clang attribute pop
#endif
