#pragma once

#include <stddef.h>
#include <stdint.h>

/// Makes ready to count; called once.
void cfuzzing_prepare(void);

/// Begins to count the bytes that are allocated and not freed, in all threads.
///
/// When they come to more than `limit`, the process says so and aborts, which libFuzzer reports
/// as a crash of this input.
void cfuzzing_watch_memory(size_t limit);

/// Ends the count; returns the most bytes that were allocated at once since it began.
size_t cfuzzing_end_watch(void);
