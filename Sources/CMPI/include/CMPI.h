#pragma once
// Open MPI, loaded when it is asked for: a machine without it can do all else.
// Every function returns a cmpi_status; nothing is ever printed.
#include <stdint.h>

typedef enum {
  CMPI_OK = 0,
  /// The library is not there.
  CMPI_MISSING = 1,
  /// The library is there, but is not Open MPI: other implementations' constants differ.
  CMPI_FOREIGN = 2,
  /// A call failed.
  CMPI_FAILED = 3,
  /// Memory is short.
  CMPI_NO_MEMORY = 4,
} cmpi_status;

/// The library, and this process's place among those that work together.
typedef struct cmpi_world cmpi_world;

/// Loads the library and joins the processes that the launcher started. Once in a process.
int32_t cmpi_open(cmpi_world **world);
/// This process's number from 0.
int32_t cmpi_rank(const cmpi_world *world);
/// The number of processes.
int32_t cmpi_size(const cmpi_world *world);
/// Replaces values by their sums over all processes.
int32_t cmpi_sum_floats(cmpi_world *world, float *values, int64_t count);
int32_t cmpi_sum_doubles(cmpi_world *world, double *values, int64_t count);
/// Gives all processes the bytes of one of them.
int32_t cmpi_broadcast(cmpi_world *world, void *bytes, int64_t count, int32_t root);
/// Waits for all processes. It sleeps in between: those that wait for long leave the processor to others.
int32_t cmpi_barrier(cmpi_world *world);
/// Waits for all processes and leaves them.
int32_t cmpi_close(cmpi_world *world);
