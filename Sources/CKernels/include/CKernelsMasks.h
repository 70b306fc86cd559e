#pragma once
// Shapes of binary masks: bytes of 0 and 1, x fastest.
#include <stdint.h>

/// Marks with 1 the voxels of slices [first, last) of a mask that have a face neighbour outside it;
/// outside the grid there is no mask. `planar` is for masks of one slice, without neighbours along z.
void ck_mask_border(const uint8_t *mask, int64_t width, int64_t height, int64_t depth,
                    int32_t planar, int64_t first, int64_t last, uint8_t *border);

/// For the planes [first, last) of the dual grid of (width + 1) x (height + 1) x (depth + 1) voxel
/// corners, which of the eight voxels around a corner are in the mask: voxel (x - 1 + k, y - 1 + j,
/// z - 1 + i) of corner (x, y, z) is bit 7 - (4 i + 2 j + k).
void ck_mask_corners(const uint8_t *mask, int64_t width, int64_t height, int64_t depth,
                     int64_t first, int64_t last, uint8_t *codes);

/// The same in one slice, on a dual grid of (width + 1) x (height + 1): bits 3 - (2 j + k).
void ck_mask_corners_planar(const uint8_t *mask, int64_t width, int64_t height, uint8_t *codes);

/// marks[i] = 1 where 0 < codes[i] < full, else 0.
void ck_mask_mixed(const uint8_t *codes, int64_t count, uint8_t full, uint8_t *marks);

/// Thins a mask to its centre lines, in place; see Skeleton.swift for the algorithm.
///
/// The outermost voxels on every side of the grid must be 0. `points` are the offsets of the
/// `count` voxels of the mask, rising, and `candidates` is scratch memory of as many entries; both
/// are overwritten. `planar` is for masks of one slice; `lenient` looks again only at whether the
/// neighbours of a voxel hang together before it is removed.
void ck_mask_thin(uint8_t *mask, int64_t width, int64_t height, int32_t planar, int32_t lenient,
                  uint32_t *points, int64_t count, uint32_t *candidates);
