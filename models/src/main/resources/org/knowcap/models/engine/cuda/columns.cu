// Sums down columns, in a fixed order: first stretches of rows, then the parts. Blocks are 32 lanes wide and 8 high.
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

// out[c] += sum of parts[p][c] over p < count.
KERNEL void column_sums(const float* parts, int count, int stride, float* out, int columns) {
  ofReplica(parts, out);
  __shared__ float sums[HIGH][32];
  int lane = threadIdx.x % 32, high = threadIdx.x / 32;
  int c = blockIdx.x * 32 + lane;
  float sum = 0;
  if (c < columns) {
    for (int p = high; p < count; p += HIGH) sum += parts[(Index)p * stride + c];
  }
  sums[high][lane] = sum;
  __syncthreads();
  if (high == 0 && c < columns) {
    for (int h = 1; h < HIGH; h++) sum += sums[h][lane];
    out[c] += sum;
  }
}
