// Sums down columns, in a fixed order: first stretches of rows, here or in kernels that compute these rows, then, at the end of a batch,
// the parts of all. Blocks are 32 lanes wide and 8 high.
#define HIGH 8

// parts[blockIdx.y][c] = sum of x[r][c] over the block's stretch of rows.
KERNEL void column_parts(Numbers x, float* parts, int rows, int columns, int stride, int stretch) {
  ofReplica(x, parts);
  __shared__ float sums[HIGH][32 * VECTOR];
  int lane = threadIdx.x % 32, high = threadIdx.x / 32;
  int c = (blockIdx.x * 32 + lane) * VECTOR;
  int end = min(rows, (int)(blockIdx.y + 1) * stretch);
  Pack sum = {};
  if (c < columns) {
    for (int r = blockIdx.y * stretch + high; r < end; r += HIGH) {
      Pack p = load(x, (Index)r * stride + c);
      for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
    }
  }
  for (int k = 0; k < VECTOR; k++) sums[high][lane * VECTOR + k] = sum.x[k];
  __syncthreads();
  if (high == 0 && c < columns) {
    for (int h = 1; h < HIGH; h++) {
      for (int k = 0; k < VECTOR; k++) sum.x[k] += sums[h][lane * VECTOR + k];
    }
    store(parts + (Index)blockIdx.y * columns + c, sum);
  }
}

// Where sums lie that are still to be added up, 32 columns of them or fewer: parts[first + p stride + c], p < count; and the
// gradient that they belong to.
struct Stretch {
  int first, count, stride, gradient, columns;
};

// gradients[gradient + c] += sum of the parts over p, for every stretch, one a block. Blocks are 32 lanes wide and 32 high.
KERNEL_OF(1024, 1) void column_sums(const float* parts, const Stretch* stretches, float* gradients) {
  ofReplica(parts, stretches, gradients);
  __shared__ float sums[32][33];
  Stretch s = stretches[blockIdx.x];
  int lane = threadIdx.x % 32, high = threadIdx.x / 32;
  float sum = 0;
  if (lane < s.columns) {
    const float* from = parts + s.first + lane;
#pragma unroll 8
    for (int p = high; p < s.count; p += 32) sum += from[(Index)p * s.stride];
  }
  sums[high][lane] = sum;
  __syncthreads();
  // Each warp adds up a column.
  sum = warpSum(sums[lane][high]);
  if (lane == 0 && high < s.columns) gradients[s.gradient + high] += sum;
}
