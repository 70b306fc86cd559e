#include "CFuzzing.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

// The run-time libraries of the sanitizers; their headers are not part of every toolchain.
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *pointer);

static atomic_bool is_watching;
static atomic_long live, peak, ceiling;

static void on_malloc(const volatile void *pointer, size_t size) {
  (void)pointer;
  if (!atomic_load_explicit(&is_watching, memory_order_relaxed)) return;
  long now = atomic_fetch_add(&live, (long)size) + (long)size;
  if (now > atomic_load(&peak)) atomic_store(&peak, now);
  if (now <= atomic_load(&ceiling)) return;
  atomic_store(&is_watching, 0);
  static const char message[] = "fuzzing: this input makes the reader allocate too much\n";
  if (write(2, message, sizeof message - 1) < 0) _exit(1);
  abort();
}

static void on_free(const volatile void *pointer) {
  if (!pointer || !atomic_load_explicit(&is_watching, memory_order_relaxed)) return;
  atomic_fetch_sub(&live, (long)__sanitizer_get_allocated_size(pointer));
}

void cfuzzing_prepare(void) { __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free); }

void cfuzzing_watch_memory(size_t limit) {
  atomic_store(&live, 0);
  atomic_store(&peak, 0);
  atomic_store(&ceiling, (long)limit);
  atomic_store(&is_watching, 1);
}

size_t cfuzzing_end_watch(void) {
  atomic_store(&is_watching, 0);
  return (size_t)atomic_load(&peak);
}
