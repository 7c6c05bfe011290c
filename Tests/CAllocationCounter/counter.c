#include "CAllocationCounter.h"
#include <errno.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATOR_IS_TAKEN 1
#endif
#endif

// Initial-exec: any other model may allocate at a thread's first access, inside malloc itself.
static __thread uint64_t allocations __attribute__((tls_model("initial-exec")));
static __thread uint64_t frees __attribute__((tls_model("initial-exec")));

uint64_t sinew_malloc_count(void) { return allocations; }
uint64_t sinew_free_count(void) { return frees; }
uint64_t sinew_allocations_this_thread(void) { return allocations; }

#ifdef ALLOCATOR_IS_TAKEN

bool sinew_allocations_are_counted(void) { return false; }

#else

bool sinew_allocations_are_counted(void) { return true; }

// The doors that glibc keeps open behind its own names.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);
void __libc_free(void *block);

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  allocations++;
  return __libc_realloc(block, size);
}
void *memalign(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}
void *valloc(size_t size) {
  allocations++;
  return __libc_valloc(size);
}
void *pvalloc(size_t size) {
  allocations++;
  return __libc_pvalloc(size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  allocations++;
  void *memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *block = memory;
  return 0;
}
void free(void *block) {
  if (block != NULL) frees++;
  __libc_free(block);
}

#endif
