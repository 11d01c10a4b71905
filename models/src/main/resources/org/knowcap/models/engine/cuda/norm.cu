// x = a + b first, where `adds`. Then with a bias LayerNorm, out = (x - mean) / sqrt(variance + epsilon) * gain + bias,
// without one RMSNorm, out = x / sqrt(mean of x^2 + epsilon) * gain. A warp takes a row; statistics [R, 2] are mean (zero
// for RMSNorm) and rstd, one over the standard deviation.
KERNEL void normalise(Numbers a, Numbers b, int adds, Numbers x, const float* gain, const float* bias, Numbers out,
    float* statistics, int rows, int width, float epsilon) {
  ofReplica(a, b, x, gain, bias, out, statistics);
  int lane = threadIdx.x % 32;
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  Index start = (Index)row * width;
  Pack p[PACKS];
  float sum = 0;
  for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
    if (c >= width) continue;
    p[j] = load(a, start + c);
    if (adds) {
      Pack q = load(b, start + c);
      for (int k = 0; k < VECTOR; k++) p[j].x[k] += q.x[k];
      store(x, start + c, p[j]);
    }
    for (int k = 0; k < VECTOR; k++) sum += p[j].x[k];
  }
  float mean = bias ? warpSum(sum) / width : 0;
  float squares = 0;
  for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
    if (c >= width) continue;
    for (int k = 0; k < VECTOR; k++) squares += (p[j].x[k] - mean) * (p[j].x[k] - mean);
  }
  float rstd = 1 / sqrtf(warpSum(squares) / width + epsilon);
  for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
    if (c >= width) continue;
    Pack g = load(gain + c);
    for (int k = 0; k < VECTOR; k++) p[j].x[k] = (p[j].x[k] - mean) * rstd * g.x[k];
    if (bias) {
      Pack s = load(bias + c);
      for (int k = 0; k < VECTOR; k++) p[j].x[k] += s.x[k];
    }
    store(out, start + c, p[j]);
  }
  if (lane == 0) {
    statistics[2 * row] = mean;
    statistics[2 * row + 1] = rstd;
  }
}

// With n = (x - mean) / deviation and g = dOut * gain:
//   dX = (g - mean(g) - n mean(g n)) / deviation, plus the residual's gradient; RMSNorm has no mean(g);
//   dGain = sum over rows of dOut n, dBias = sum over rows of dOut.
// With `copy` dX also goes there in bf16. A warp takes a row at a time, all of whose numbers it asks for at once; each block leaves
// in parts[block] [3, d] its sums of dGain, of dBias and of dX, which is the gradient of the bias of a product before.
#if PACKS * VECTOR <= 4
#define NORM_WARPS 16
#define NORM_BLOCKS 2
#elif PACKS * VECTOR <= 8
#define NORM_WARPS 8
#define NORM_BLOCKS 3
#else
#define NORM_WARPS 8
#define NORM_BLOCKS 1
#endif

DEVICE void addTo(Pack& sum, const Pack& p) {
  for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
}

template <class Residual, class X, class Gradient>
DEVICE void normaliseBackward(Residual residual, int adds, X x, const float* gain, int centred, const float* statistics,
    Gradient dOut, float* dX, bf16* copy, float* parts, int rows, int width) {
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float share = 1.0f / width;
  Pack dGain[PACKS] = {}, dBias[PACKS] = {}, total[PACKS] = {};
  for (int row = blockIdx.x * NORM_WARPS + warp; row < rows; row += gridDim.x * NORM_WARPS) {
    Index start = (Index)row * width;
    Pack d[PACKS], n[PACKS], g[PACKS];
#pragma unroll
    for (int j = 0; j < PACKS; j++) {
      int c = (j * 32 + lane) * VECTOR;
      d[j] = {}, n[j] = {}, g[j] = {};
      if (c >= width) continue;
      if (adds) d[j] = load(residual, start + c);
      n[j] = load(x, start + c);
      g[j] = load(dOut, start + c);
    }
    float mean = statistics[2 * row], rstd = statistics[2 * row + 1], sum = 0, product = 0;
#pragma unroll
    for (int j = 0; j < PACKS; j++) {
      int c = (j * 32 + lane) * VECTOR;
      if (c >= width) continue;
      Pack s = load(gain + c);
      addTo(dBias[j], g[j]);
      for (int k = 0; k < VECTOR; k++) {
        n[j].x[k] = (n[j].x[k] - mean) * rstd;
        dGain[j].x[k] += g[j].x[k] * n[j].x[k];
        g[j].x[k] *= s.x[k];
        sum += g[j].x[k];
        product += g[j].x[k] * n[j].x[k];
      }
    }
    // Both at once, so that neither waits for the other.
    for (int step = 16; step > 0; step /= 2) {
      sum += __shfl_xor_sync(EVERY_LANE, sum, step);
      product += __shfl_xor_sync(EVERY_LANE, product, step);
    }
    sum = centred ? sum * share : 0;
    product *= share;
#pragma unroll
    for (int j = 0; j < PACKS; j++) {
      int c = (j * 32 + lane) * VECTOR;
      if (c >= width) continue;
      for (int k = 0; k < VECTOR; k++) d[j].x[k] += (g[j].x[k] - sum - n[j].x[k] * product) * rstd;
      addTo(total[j], d[j]);
      store(dX + start + c, d[j]);
      if (copy) store(Numbers{copy, 1}, start + c, d[j]);
    }
  }
  // The sums of the block's warps, one after the other.
  __shared__ Pack sums[3][NORM_WARPS][32];
  float* mine = parts + (Index)blockIdx.x * 3 * width;
#pragma unroll
  for (int j = 0; j < PACKS; j++) {
    __syncthreads();
    sums[0][warp][lane] = dGain[j];
    sums[1][warp][lane] = dBias[j];
    sums[2][warp][lane] = total[j];
    __syncthreads();
    for (int i = threadIdx.x; i < 3 * 32; i += blockDim.x) {
      int c = (j * 32 + i % 32) * VECTOR;
      if (c >= width) continue;
      Pack sum = sums[i / 32][0][i % 32];
      for (int w = 1; w < NORM_WARPS; w++) addTo(sum, sums[i / 32][w][i % 32]);
      store(mine + i / 32 * width + c, sum);
    }
  }
}

// For a residual stream in fp32, with gradients as they pass between operations.
KERNEL_OF(NORM_WARPS * 32, NORM_BLOCKS) void normalise_backward(const float* residual, int adds, const float* x,
    const float* gain, int centred, const float* statistics, const Element* dOut, float* dX, bf16* copy, float* parts, int rows,
    int width) {
  ofReplica(residual, x, gain, statistics, dOut, dX, copy, parts);
  normaliseBackward(residual, adds, x, gain, centred, statistics, dOut, dX, copy, parts, rows, width);
}

// The same of any precision.
KERNEL_OF(NORM_WARPS * 32, 1) void normalise_any_backward(Numbers residual, int adds, Numbers x, const float* gain,
    int centred, const float* statistics, Numbers dOut, float* dX, bf16* copy, float* parts, int rows, int width) {
  ofReplica(residual, x, gain, statistics, dOut, dX, copy, parts);
  normaliseBackward(residual, adds, x, gain, centred, statistics, dOut, dX, copy, parts, rows, width);
}

// QK-norm: out = x / sqrt(mean of x^2 + epsilon) * gain for every head of queries and of keys; values pass through. gain [2, HEAD]
// is that of queries, then that of keys. A warp takes a head of a row; statistics [R, heads + keyHeads, 2] as of whole rows.
KERNEL void head_norm(Numbers x, const float* gain, Numbers out, float* statistics, int rows, int heads, int keyHeads,
    float epsilon) {
  ofReplica(x, gain, out, statistics);
  int lane = threadIdx.x % 32, all = heads + 2 * keyHeads;
  Index item = (Index)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (item >= (Index)rows * all) return;
  int head = item % all;
  Index row = item / all, start = item * HEAD;
  if (head >= heads + keyHeads) {
    for (int c = lane * VECTOR; c < HEAD; c += 32 * VECTOR) store(out, start + c, load(x, start + c));
    return;
  }
  float squares = 0;
  for (int c = lane * VECTOR; c < HEAD; c += 32 * VECTOR) {
    Pack p = load(x, start + c);
    for (int k = 0; k < VECTOR; k++) squares += p.x[k] * p.x[k];
  }
  float rstd = 1 / sqrtf(warpSum(squares) / HEAD + epsilon);
  const float* g = gain + (head < heads ? 0 : HEAD);
  for (int c = lane * VECTOR; c < HEAD; c += 32 * VECTOR) {
    Pack p = load(x, start + c), s = load(g + c);
    for (int k = 0; k < VECTOR; k++) p.x[k] *= rstd * s.x[k];
    store(out, start + c, p);
  }
  if (lane == 0) {
    float* mine = statistics + 2 * (row * (heads + keyHeads) + head);
    mine[0] = 0;
    mine[1] = rstd;
  }
}

// The gradient of head_norm, as of whole rows: dX, with `copy` there too in bf16, and the block's sums of dGain in parts[block]
// [2, HEAD]. A warp takes a row at a time, head after head.
KERNEL_OF(NORM_WARPS * 32, 1) void head_norm_backward(Numbers x, const float* gain, const float* statistics, Numbers dOut,
    float* dX, bf16* copy, float* parts, int rows, int heads, int keyHeads) {
  ofReplica(x, gain, statistics, dOut, dX, copy, parts);
  __shared__ float sums[NORM_WARPS][2 * HEAD];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, all = heads + 2 * keyHeads;
  for (int c = lane; c < 2 * HEAD; c += 32) sums[warp][c] = 0;
  __syncthreads();
  for (int row = blockIdx.x * NORM_WARPS + warp; row < rows; row += gridDim.x * NORM_WARPS) {
    for (int head = 0; head < all; head++) {
      Index start = ((Index)row * all + head) * HEAD;
      bool normed = head < heads + keyHeads;
      const float* g = gain + (head < heads ? 0 : HEAD);
      float* mine = sums[warp] + (head < heads ? 0 : HEAD);
      float rstd = normed ? statistics[2 * ((Index)row * (heads + keyHeads) + head) + 1] : 1;
      float product = 0;
      for (int c = lane * VECTOR; normed && c < HEAD; c += 32 * VECTOR) {
        Pack n = load(x, start + c), d = load(dOut, start + c), s = load(g + c);
        for (int k = 0; k < VECTOR; k++) {
          mine[c + k] += d.x[k] * n.x[k] * rstd;
          product += d.x[k] * s.x[k] * n.x[k] * rstd;
        }
      }
      product = warpSum(product) / HEAD;
      for (int c = lane * VECTOR; c < HEAD; c += 32 * VECTOR) {
        Pack d = load(dOut, start + c);
        if (normed) {
          Pack n = load(x, start + c), s = load(g + c);
          for (int k = 0; k < VECTOR; k++) d.x[k] = (d.x[k] * s.x[k] - n.x[k] * rstd * product) * rstd;
        }
        store(dX + start + c, d);
        if (copy) store(Numbers{copy, 1}, start + c, d);
      }
    }
  }
  __syncthreads();
  for (int c = threadIdx.x; c < 2 * HEAD; c += blockDim.x) {
    float sum = 0;
    for (int w = 0; w < NORM_WARPS; w++) sum += sums[w][c];
    parts[(Index)blockIdx.x * 2 * HEAD + c] = sum;
  }
}
