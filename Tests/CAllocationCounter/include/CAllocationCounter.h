// Counts what the C allocator is asked for, thread by thread. Linked into a test program it takes the allocator's
// place; built as a shared library and named in LD_PRELOAD it does the same to any program (tools/check-allocations).
//
// Contract for a program that wants to be counted from outside: look up "sinew_malloc_count" with
// dlsym(RTLD_DEFAULT, ...), a function of type uint64_t (*)(void); call it on the thread in question before and after
// the stretch that must not allocate. When dlsym finds nothing, nothing is counted.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __clang__
#define SINEW_COUNTER_RT __attribute__((swift_attr("@_noLocks")))
#else
#define SINEW_COUNTER_RT
#endif

/// Allocations by the calling thread since it started: malloc, calloc, realloc, aligned_alloc, posix_memalign, memalign,
/// valloc and pvalloc, one each. Always 0 where the allocator belongs to a sanitizer.
SINEW_COUNTER_RT uint64_t sinew_malloc_count(void);
/// Blocks that the calling thread has freed since it started.
SINEW_COUNTER_RT uint64_t sinew_free_count(void);
/// The same as `sinew_malloc_count`, under the name that tests use.
SINEW_COUNTER_RT uint64_t sinew_allocations_this_thread(void);
/// Whether allocations are counted in this program: false under the address and thread sanitizers, which bring their own
/// allocator.
bool sinew_allocations_are_counted(void);
