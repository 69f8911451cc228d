// Proofs of 1 KiB slices of a body inside BLAKE3's own tree (docs/formats.md, "Slices"). No Node-API: the self-test runs this
// under the compiler's sanitizers. Callers check every length; src/evidence/slices.ts says the same in TypeScript.
#ifndef DATDOT_SLICES_H
#define DATDOT_SLICES_H

#include <stddef.h>
#include <stdint.h>

#define SLICE 1024
#define GROUP_SLICES 16
#define GROUP_BYTES (GROUP_SLICES * SLICE)
#define VALUE 32
#define MAX_BODY 15790336 // 15 MiB, of which `seal` makes 256 bytes of every 255
#define MAX_GROUPS ((MAX_BODY + GROUP_BYTES - 1) / GROUP_BYTES)
#define MAX_SIBLINGS 14

// max(1, ceil(body / 1024)).
uint32_t slice_count(uint32_t body);
// Bytes of slice `index` < slice_count(body).
uint32_t slice_length(uint32_t index, uint32_t body);
// Number of siblings of slice `index` of `slices`; bit i of `sides` is set if sibling i, lowest first, is a left one.
uint32_t slice_path(uint32_t index, uint32_t slices, uint32_t *sides);
// Values stored of a body: none if one group is all of it.
uint32_t stored_groups(uint32_t body);

// Chaining values of the groups of `length` >= 1 bytes, the first being number `first` of the body.
void group_values(const uint8_t *piece, size_t length, uint32_t first, uint8_t *out);
// The hash of a body of 2 to MAX_GROUPS groups.
void group_root(const uint8_t *values, uint32_t groups, uint8_t *out);
// Siblings of slice `index`, lowest first: from the stored values and the bytes of the slice's group.
void slice_siblings(uint32_t index, uint32_t body, const uint8_t *values, const uint8_t *group, uint8_t *out);

// A slice with its siblings behind it.
typedef struct {
  const uint8_t *slice;
  uint32_t index;
  uint32_t body;
} Slice;

// The hashes of the bodies that `count` slices lead to.
void slice_roots(const Slice *slices, size_t count, uint8_t *out);

#endif
