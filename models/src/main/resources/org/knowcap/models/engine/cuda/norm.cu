// x = a + b first, where `adds`. Then with a bias LayerNorm, out = (x - mean) / sqrt(variance + epsilon) * gain + bias,
// without one RMSNorm, out = x / sqrt(mean of x^2 + epsilon) * gain. A warp takes a row; moments [R, 2] are mean (zero
// for RMSNorm) and inverse deviation.
KERNEL void normalise(Numbers a, Numbers b, int adds, Numbers x, const float* gain, const float* bias, Numbers out,
    float* moments, int rows, int width, float epsilon) {
  ofReplica(a, b, x, gain, bias, out, moments);
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
  float inverse = 1 / sqrtf(warpSum(squares) / width + epsilon);
  for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
    if (c >= width) continue;
    Pack g = load(gain + c);
    for (int k = 0; k < VECTOR; k++) p[j].x[k] = (p[j].x[k] - mean) * inverse * g.x[k];
    if (bias) {
      Pack s = load(bias + c);
      for (int k = 0; k < VECTOR; k++) p[j].x[k] += s.x[k];
    }
    store(out, start + c, p[j]);
  }
  if (lane == 0) {
    moments[2 * row] = mean;
    moments[2 * row + 1] = inverse;
  }
}

// With n = (x - mean) / deviation and g = dOut * gain:
//   dX = (g - mean(g) - n mean(g n)) / deviation, plus the residual's gradient; RMSNorm has no mean(g);
//   dGain = sum over rows of dOut n, dBias = sum over rows of dOut.
// A warp takes every so many rows; each block leaves its sums in parts[block] [2, d].
KERNEL void normalise_backward(Numbers residual, int adds, Numbers x, const float* gain, int centred, const float* moments,
    Numbers dOut, Numbers dX, float* parts, int rows, int width) {
  ofReplica(residual, x, gain, moments, dOut, dX, parts);
  int lane = threadIdx.x % 32;
  int warps = blockDim.x / 32;
  Pack dGain[PACKS] = {};
  Pack dBias[PACKS] = {};
  for (int row = blockIdx.x * warps + threadIdx.x / 32; row < rows; row += gridDim.x * warps) {
    Index start = (Index)row * width;
    float mean = moments[2 * row];
    float inverse = moments[2 * row + 1];
    Pack n[PACKS], g[PACKS];
    float sum = 0, product = 0;
    for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
      if (c >= width) continue;
      n[j] = load(x, start + c);
      g[j] = load(dOut, start + c);
      Pack s = load(gain + c);
      for (int k = 0; k < VECTOR; k++) {
        n[j].x[k] = (n[j].x[k] - mean) * inverse;
        dGain[j].x[k] += g[j].x[k] * n[j].x[k];
        dBias[j].x[k] += g[j].x[k];
        g[j].x[k] *= s.x[k];
        sum += g[j].x[k];
        product += g[j].x[k] * n[j].x[k];
      }
    }
    sum = centred ? warpSum(sum) / width : 0;
    product = warpSum(product) / width;
    for (int j = 0, c = lane * VECTOR; j < PACKS; j++, c += 32 * VECTOR) {
      if (c >= width) continue;
      Pack d = {};
      if (adds) d = load(residual, start + c);
      for (int k = 0; k < VECTOR; k++) d.x[k] += (g[j].x[k] - sum - n[j].x[k] * product) * inverse;
      store(dX, start + c, d);
    }
  }
  // The block's warps add their sums one after the other.
  float* mine = parts + (Index)blockIdx.x * 2 * width;
  for (int warp = 0; warp < warps; warp++) {
    for (int j = 0, c = lane * VECTOR; j < PACKS && warp == threadIdx.x / 32; j++, c += 32 * VECTOR) {
      if (c >= width) continue;
      for (int k = 0; k < VECTOR; k++) {
        mine[c + k] = (warp ? mine[c + k] : 0) + dGain[j].x[k];
        mine[width + c + k] = (warp ? mine[width + c + k] : 0) + dBias[j].x[k];
      }
    }
    __syncthreads();
  }
}
