#define _GNU_SOURCE
#include "CMPI.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

// Open MPI's constants are addresses of objects that the library exports (its mpi.h,
// OMPI_PREDEFINED_GLOBAL); MPI_IN_PLACE is 1, MPI_STATUS_IGNORE 0, MPI_THREAD_FUNNELED 1.
enum { FUNNELED = 1, SUCCESS = 0 };

static void *const IN_PLACE = (void *)1;

struct cmpi_world {
  void *communicator, *floats, *doubles, *bytes, *sum;
  int32_t rank, size;
  int (*all_reduce)(const void *, void *, int, void *, void *, void *);
  int (*broadcast)(void *, int, void *, int, void *);
  int (*begin_barrier)(void *, void **);
  int (*test)(void **, int *, void *);
  int (*finalize)(void);
};

static void *load(void) {
  // Its plugins look for its symbols among the global ones.
  int mode = RTLD_NOW | RTLD_GLOBAL;
  const char *names[] = {"libmpi.so.40", "libmpi.so"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *library = dlopen(names[i], mode);
    if (library) return library;
  }
  return NULL;
}

int32_t cmpi_open(cmpi_world **world) {
  *world = NULL;
  void *library = load();
  if (!library) return CMPI_MISSING;
  cmpi_world *made = calloc(1, sizeof *made);
  if (!made) return CMPI_NO_MEMORY;
  int (*init)(int *, char ***, int, int *) = NULL;
  int (*rank)(void *, int *) = NULL;
  int (*size)(void *, int *) = NULL;
  int (*set_handler)(void *, void *) = NULL;
  void *errors_return = NULL;
  const struct {
    const char *name;
    void *place;
  } symbols[] = {
      {"ompi_mpi_comm_world", &made->communicator},
      {"ompi_mpi_float", &made->floats},
      {"ompi_mpi_double", &made->doubles},
      {"ompi_mpi_byte", &made->bytes},
      {"ompi_mpi_op_sum", &made->sum},
      {"ompi_mpi_errors_return", &errors_return},
      {"MPI_Init_thread", &init},
      {"MPI_Comm_rank", &rank},
      {"MPI_Comm_size", &size},
      {"MPI_Comm_set_errhandler", &set_handler},
      {"MPI_Allreduce", &made->all_reduce},
      {"MPI_Bcast", &made->broadcast},
      {"MPI_Ibarrier", &made->begin_barrier},
      {"MPI_Test", &made->test},
      {"MPI_Finalize", &made->finalize},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *found = dlsym(library, symbols[i].name);
    if (!found) {
      free(made);
      return CMPI_FOREIGN;
    }
    *(void **)symbols[i].place = found;
  }
  int provided = 0;
  int failed = init(NULL, NULL, FUNNELED, &provided) != SUCCESS ||
               set_handler(made->communicator, errors_return) != SUCCESS ||
               rank(made->communicator, &made->rank) != SUCCESS ||
               size(made->communicator, &made->size) != SUCCESS;
  if (failed) {
    free(made);
    return CMPI_FAILED;
  }
  *world = made;
  return CMPI_OK;
}

int32_t cmpi_rank(const cmpi_world *world) { return world->rank; }
int32_t cmpi_size(const cmpi_world *world) { return world->size; }

// Counts of calls are of type int.
enum { PIECE = 1 << 28 };

static int32_t sum(cmpi_world *world, char *values, int64_t count, void *type, size_t width) {
  for (int64_t start = 0; start < count; start += PIECE) {
    int piece = (int)(count - start < PIECE ? count - start : PIECE);
    char *place = values + start * (int64_t)width;
    int status =
        world->all_reduce(IN_PLACE, place, piece, type, world->sum, world->communicator);
    if (status != SUCCESS) return CMPI_FAILED;
  }
  return CMPI_OK;
}

int32_t cmpi_sum_floats(cmpi_world *world, float *values, int64_t count) {
  return sum(world, (char *)values, count, world->floats, sizeof *values);
}

int32_t cmpi_sum_doubles(cmpi_world *world, double *values, int64_t count) {
  return sum(world, (char *)values, count, world->doubles, sizeof *values);
}

int32_t cmpi_broadcast(cmpi_world *world, void *bytes, int64_t count, int32_t root) {
  for (int64_t start = 0; start < count; start += PIECE) {
    int piece = (int)(count - start < PIECE ? count - start : PIECE);
    char *place = (char *)bytes + start;
    if (world->broadcast(place, piece, world->bytes, root, world->communicator) != SUCCESS) {
      return CMPI_FAILED;
    }
  }
  return CMPI_OK;
}

int32_t cmpi_barrier(cmpi_world *world) {
  void *request = NULL;
  if (world->begin_barrier(world->communicator, &request) != SUCCESS) return CMPI_FAILED;
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000};
  for (;;) {
    int is_done = 0;
    if (world->test(&request, &is_done, NULL) != SUCCESS) return CMPI_FAILED;
    if (is_done) return CMPI_OK;
    nanosleep(&pause, NULL);
  }
}

int32_t cmpi_close(cmpi_world *world) {
  int32_t status = cmpi_barrier(world);
  if (status == CMPI_OK && world->finalize() != SUCCESS) status = CMPI_FAILED;
  free(world);
  return status;
}
