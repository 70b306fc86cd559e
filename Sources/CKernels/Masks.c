#include "CKernelsMasks.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

DISPATCHED
void ck_mask_border(const uint8_t *mask, int64_t width, int64_t height, int64_t depth,
                    int32_t planar, int64_t first, int64_t last, uint8_t *border) {
  const int64_t plane = width * height;
  // In one slice the voxel itself stands for its neighbours along z.
  const int64_t step = planar ? 0 : plane;
  for (int64_t z = first; z < last; ++z) {
    for (int64_t y = 0; y < height; ++y) {
      const uint8_t *row = mask + z * plane + y * width;
      uint8_t *out = border + z * plane + y * width;
      if ((!planar && (z == 0 || z == depth - 1)) || y == 0 || y == height - 1) {
        memcpy(out, row, (size_t)width);
        continue;
      }
      out[0] = row[0];
      for (int64_t x = 1; x < width - 1; ++x) {
        const uint8_t within = (uint8_t)(row[x - 1] & row[x + 1] & row[x - width] & row[x + width] &
                                         row[x - step] & row[x + step]);
        out[x] = (uint8_t)(row[x] & (within ^ 1));
      }
      out[width - 1] = row[width - 1];
    }
  }
}

// Adds the bits of one row of voxels, which may be absent, to the codes of a row of corners.
INLINE void add_row(const uint8_t *row, int64_t width, int shift, uint8_t *codes) {
  if (row == 0) return;
  codes[0] |= (uint8_t)(row[0] << (shift - 1));
  for (int64_t x = 1; x < width; ++x) {
    codes[x] |= (uint8_t)(row[x - 1] << shift | row[x] << (shift - 1));
  }
  codes[width] |= (uint8_t)(row[width - 1] << shift);
}

DISPATCHED
void ck_mask_corners(const uint8_t *mask, int64_t width, int64_t height, int64_t depth,
                     int64_t first, int64_t last, uint8_t *codes) {
  for (int64_t z = first; z < last; ++z) {
    for (int64_t y = 0; y <= height; ++y) {
      uint8_t *out = codes + (z * (height + 1) + y) * (width + 1);
      memset(out, 0, (size_t)(width + 1));
      for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
          const int64_t from = z - 1 + i;
          const int64_t at = y - 1 + j;
          if (from < 0 || from >= depth || at < 0 || at >= height) continue;
          add_row(mask + (from * height + at) * width, width, 7 - (4 * i + 2 * j), out);
        }
      }
    }
  }
}

DISPATCHED
void ck_mask_corners_planar(const uint8_t *mask, int64_t width, int64_t height, uint8_t *codes) {
  for (int64_t y = 0; y <= height; ++y) {
    uint8_t *out = codes + y * (width + 1);
    memset(out, 0, (size_t)(width + 1));
    if (y > 0) add_row(mask + (y - 1) * width, width, 3, out);
    if (y < height) add_row(mask + y * width, width, 1, out);
  }
}

DISPATCHED
void ck_mask_mixed(const uint8_t *codes, int64_t count, uint8_t full, uint8_t *marks) {
  for (int64_t i = 0; i < count; ++i) marks[i] = (uint8_t)((codes[i] != 0) & (codes[i] != full));
}

// A voxel's neighbourhood is a word of 27 bits: bit (dx + 1) + 3 (dy + 1) + 9 (dz + 1), the voxel
// itself 13.
typedef struct {
  // The neighbours that touch a neighbour, the centre left out.
  uint32_t adjacent[27];
  // The neighbours that share a part of the centre's cube.
  uint32_t corners[8], edges[12], faces[6];
} topology;

static topology make_topology(void) {
  topology t;
  memset(&t, 0, sizeof t);
  int corners = 0, edges = 0, faces = 0;
  for (int a = 0; a < 27; ++a) {
    const int ax = a % 3, ay = a / 3 % 3, az = a / 9;
    uint32_t touching = 0, sharing = 0;
    for (int b = 0; b < 27; ++b) {
      const int bx = b % 3, by = b / 3 % 3, bz = b / 9;
      if (b == a || b == 13) continue;
      const bool near = bx - ax <= 1 && ax - bx <= 1 && by - ay <= 1 && ay - by <= 1 &&
                        bz - az <= 1 && az - bz <= 1;
      if (near) touching |= 1u << b;
    }
    t.adjacent[a] = touching;
    if (a == 13) continue;
    // The part of the centre's cube that points towards a, and the neighbours between.
    for (int b = 0; b < 27; ++b) {
      const int bx = b % 3, by = b / 3 % 3, bz = b / 9;
      if (b == 13) continue;
      if ((bx == 1 || bx == ax) && (by == 1 || by == ay) && (bz == 1 || bz == az)) {
        sharing |= 1u << b;
      }
    }
    const int away = (ax != 1) + (ay != 1) + (az != 1);
    if (away == 1) t.faces[faces++] = sharing;
    if (away == 2) t.edges[edges++] = sharing;
    if (away == 3) t.corners[corners++] = sharing;
  }
  return t;
}

INLINE uint32_t neighbourhood(const uint8_t *voxel, int64_t width, int64_t plane) {
  uint32_t word = 0;
  int bit = 0;
  for (int dz = -1; dz <= 1; ++dz) {
    for (int dy = -1; dy <= 1; ++dy) {
      const uint8_t *row = voxel + dz * plane + dy * width;
      word |= (uint32_t)(row[-1] | row[0] << 1 | row[1] << 2) << bit;
      bit += 3;
    }
  }
  return word & ~(1u << 13);
}

// Whether the neighbours of a voxel hang together without it, or there are none.
static bool is_connected(uint32_t word, const topology *t) {
  uint32_t reached = word & (~word + 1);
  uint32_t front = reached;
  while (front != 0) {
    const int one = __builtin_ctz(front);
    front &= front - 1;
    const uint32_t fresh = t->adjacent[one] & word & ~reached;
    reached |= fresh;
    front |= fresh;
  }
  return reached == word;
}

// Whether a voxel may go: it is no end of a line, its neighbours hang together without it, and the
// number of parts less tunnels plus cavities stays. The parts of its cube that no neighbour shares
// vanish with it, so that the last means corners - edges + faces = 1 for these.
static bool is_removable(uint32_t word, const topology *t) {
  if (__builtin_popcount(word) == 1) return false;
  int lost = 0;
  for (int i = 0; i < 8; ++i) lost += (word & t->corners[i]) == 0;
  for (int i = 0; i < 12; ++i) lost -= (word & t->edges[i]) == 0;
  for (int i = 0; i < 6; ++i) lost += (word & t->faces[i]) == 0;
  return lost == 1 && is_connected(word, t);
}

void ck_mask_thin(uint8_t *mask, int64_t width, int64_t height, int32_t planar, int32_t lenient,
                  uint32_t *points, int64_t count, uint32_t *candidates) {
  const int64_t plane = width * height;
  const topology t = make_topology();
  // The order decides which of several centre lines remains.
  const int64_t strict_steps[6] = {-width, 1, plane, width, -1, -plane};
  const int64_t lenient_steps[6] = {-width, width, 1, -1, plane, -plane};
  const int64_t *steps = lenient || planar ? lenient_steps : strict_steps;
  const int borders = planar ? 4 : 6;
  int unchanged = 0;
  while (unchanged < borders) {
    unchanged = 0;
    for (int border = 0; border < borders; ++border) {
      const int64_t step = steps[border];
      int64_t found = 0;
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t *voxel = mask + points[i];
        if (voxel[0] == 0 || voxel[step] != 0) continue;
        if (is_removable(neighbourhood(voxel, width, plane), &t)) candidates[found++] = points[i];
      }
      bool changed = false;
      for (int64_t i = 0; i < found; ++i) {
        uint8_t *voxel = mask + candidates[i];
        const uint32_t word = neighbourhood(voxel, width, plane);
        if (!(lenient ? is_connected(word, &t) : is_removable(word, &t))) continue;
        voxel[0] = 0;
        changed = true;
      }
      if (!changed) ++unchanged;
    }
    int64_t left = 0;
    for (int64_t i = 0; i < count; ++i) {
      if (mask[points[i]] != 0) points[left++] = points[i];
    }
    count = left;
  }
}
