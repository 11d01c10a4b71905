// Numbers to time products on: chips are faster on zeros than on numbers as they occur.

// Fills count halves of memory with what is, as bf16 and as fp32, of either sign and at least 2^-8 and less than 1.
KERNEL void fill(bf16* to, Index count, int seed) {
  ofReplica(to);
  Index i = thread();
  if (i >= count) return;
  // The finaliser of MurmurHash3.
  unsigned h = (unsigned)i * 0x9e3779b1u + (unsigned)(i >> 32) + (unsigned)seed * 0x85ebca77u;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  h ^= h >> 16;
  to[i] = (bf16)((h & 0x807f) | (119 + (h >> 16 & 7)) << 7);
}
