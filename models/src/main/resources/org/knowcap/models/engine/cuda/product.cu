// out = a b + bias, or out += a b, for when there is no cuBLASLt. Element (i, j) of a lies at i aDown + j aAlong, and so on. A
// block computes TILE x TILE of out, a thread 4 x 4 of them. Several products go side by side: what follows a matrix begins aNext
// numbers behind it, and so on.
#define TILE 32
#define DEPTH 16

KERNEL void product(Numbers a, Index aDown, Index aAlong, Index aNext, Numbers b, Index bDown, Index bAlong, Index bNext,
    Numbers bias, Numbers out, Index outDown, Index outNext, int rows, int columns, int depth, int accumulate) {
  ofReplica(a, b, bias, out);
  __shared__ float left[DEPTH][TILE + 1];
  __shared__ float right[DEPTH][TILE + 1];
  int tiles = (columns + TILE - 1) / TILE, which = blockIdx.x / tiles;
  a = from(a, which * aNext), b = from(b, which * bNext), out = from(out, which * outNext);
  if (bias.at) bias = from(bias, (Index)which * columns);
  int firstRow = blockIdx.y * TILE, firstColumn = blockIdx.x % tiles * TILE;
  int y = threadIdx.x / (TILE / 4), x = threadIdx.x % (TILE / 4);
  float sums[4][4] = {};
  for (int from = 0; from < depth; from += DEPTH) {
    for (int i = threadIdx.x; i < DEPTH * TILE; i += blockDim.x) {
      // Neighbours in memory to neighbouring threads.
      int d = aAlong == 1 ? i % DEPTH : i / TILE, r = aAlong == 1 ? i / DEPTH : i % TILE;
      left[d][r] = from + d < depth && firstRow + r < rows
          ? get(a, (firstRow + r) * aDown + (from + d) * aAlong) : 0;
      d = bAlong == 1 ? i / TILE : i % DEPTH, r = bAlong == 1 ? i % TILE : i / DEPTH;
      right[d][r] = from + d < depth && firstColumn + r < columns
          ? get(b, (from + d) * bDown + (firstColumn + r) * bAlong) : 0;
    }
    __syncthreads();
    for (int d = 0; d < DEPTH; d++) {
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) sums[i][j] += left[d][y * 4 + i] * right[d][x * 4 + j];
      }
    }
    __syncthreads();
  }
  // Else sums would be kept in memory.
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      int r = firstRow + y * 4 + i, c = firstColumn + x * 4 + j;
      if (r >= rows || c >= columns) continue;
      Index at = r * outDown + c;
      put(out, at, sums[i][j] + (bias.at ? get(bias, c) : 0) + (accumulate ? get(out, at) : 0));
    }
  }
}
