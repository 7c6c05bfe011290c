// What every processor of the architecture has: SSE2 on x86-64, NEON on aarch64.
#pragma clang diagnostic ignored "-Wpsabi"
#define FN(name) name##_base
#if defined(__aarch64__)
#define PASS_VECTORS 4  // 16 of 32 registers
#define UNROLL_64 1
#define UNROLL_16 4
#define TILE_ROWS 6  // 24 of 32 registers
#else
#define PASS_VECTORS 2  // 8 of 16 registers
#define UNROLL_64 1
#define UNROLL_16 2
#define TILE_ROWS 3  // 12 of 16 registers
#endif
#define TILE_VECTORS 1
#define PROBE_CHAINS 2
#include "impl/kernels.inc"
