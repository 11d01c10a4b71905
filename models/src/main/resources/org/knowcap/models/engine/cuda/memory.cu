// The gate of a memory of n-grams; its rows are looked up by the kernels in embedding.cu. A warp has a row.

// sigmoid(scale query . key) of the row that begins there; every lane gets it.
DEVICE float gateOf(Numbers query, Numbers key, Index start, int width, float scale) {
  float sum = 0;
  for (int c = threadIdx.x % 32 * VECTOR; c < width; c += 32 * VECTOR) {
    Pack q = load(query, start + c), k = load(key, start + c);
    for (int i = 0; i < VECTOR; i++) sum += q.x[i] * k.x[i];
  }
  return 1 / (1 + expf(-scale * warpSum(sum)));
}

// to = factor x, of the row that begins there.
DEVICE void scaleRow(Numbers x, Numbers to, Index start, int width, float factor) {
  for (int c = threadIdx.x % 32 * VECTOR; c < width; c += 32 * VECTOR) {
    Pack p = load(x, start + c);
    for (int i = 0; i < VECTOR; i++) p.x[i] *= factor;
    store(to, start + c, p);
  }
}

// out = sigmoid(scale query . key) value
KERNEL void scalar_gate(Numbers query, Numbers key, Numbers value, Numbers out, int rows, int width, float scale) {
  ofReplica(query, key, value, out);
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  Index start = (Index)row * width;
  scaleRow(value, out, start, width, gateOf(query, key, start, width, scale));
}

// With the gate g and s = scale (dOut . value) g (1 - g): dQuery = s key, dKey = s query, dValue = g dOut
KERNEL void scalar_gate_backward(Numbers query, Numbers key, Numbers value, Numbers dOut, Numbers dQuery, Numbers dKey,
    Numbers dValue, int rows, int width, float scale) {
  ofReplica(query, key, value, dOut, dQuery, dKey, dValue);
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  Index start = (Index)row * width;
  float gate = gateOf(query, key, start, width, scale), along = 0;
  for (int c = threadIdx.x % 32 * VECTOR; c < width; c += 32 * VECTOR) {
    Pack d = load(dOut, start + c), v = load(value, start + c);
    for (int i = 0; i < VECTOR; i++) along += d.x[i] * v.x[i];
  }
  float slope = scale * warpSum(along) * gate * (1 - gate);
  scaleRow(key, dQuery, start, width, slope);
  scaleRow(query, dKey, start, width, slope);
  scaleRow(dOut, dValue, start, width, gate);
}
