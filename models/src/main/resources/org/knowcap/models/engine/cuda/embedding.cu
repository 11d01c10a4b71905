// out[r] = table[tokens[r]], [R, d]. A thread takes VECTOR columns of a row.
KERNEL void embed(const int* tokens, const float* table, Numbers out, int rows, int width) {
  ofReplica(tokens, table, out);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  store(out, i, load(table + (Index)tokens[i / width] * width + i % width));
}

// The gradient of the table adds rows of dOut in a fixed order, without atomics. The host sorts the rows by token and
// cuts them into segments of one token each; `order` are the rows, `segments` where in it each segment begins, `first`
// the first segment of each token. This sums the rows of a segment, a warp each: parts [segments, d].
KERNEL void embed_segments(const int* order, const int* segments, const int* first, Numbers dOut, float* parts,
    int vocabulary, int width) {
  ofReplica(order, segments, first, dOut, parts);
  int segment = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (segment >= first[vocabulary]) return;
  int from = segments[segment], to = segments[segment + 1];
  for (int c = lane * VECTOR; c < width; c += 32 * VECTOR) {
    Pack sum = {};
#pragma unroll 4
    for (int i = from; i < to; i++) {
      Pack p = load(dOut, (Index)order[i] * width + c);
      for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
    }
    store(parts + (Index)segment * width + c, sum);
  }
}

// dTable[v] += the parts of token v, a warp each.
KERNEL void embed_backward(const int* first, const float* parts, float* dTable, int vocabulary, int width) {
  ofReplica(first, parts, dTable);
  int v = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (v >= vocabulary || first[v] == first[v + 1]) return;
  for (int c = threadIdx.x % 32 * VECTOR; c < width; c += 32 * VECTOR) {
    Pack sum = load(dTable + (Index)v * width + c);
    for (int segment = first[v]; segment < first[v + 1]; segment++) {
      Pack p = load(parts + (Index)segment * width + c);
      for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
    }
    store(dTable + (Index)v * width + c, sum);
  }
}

// x[r] += table[r mod T], the vector of each token's place in its window.
KERNEL void add_positions(Numbers x, const float* table, int length, int rows, int width) {
  ofReplica(x, table);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  Pack p = load(x, i), q = load(table + i / width % length * width + i % width);
  for (int k = 0; k < VECTOR; k++) p.x[k] += q.x[k];
  store(x, i, p);
}

// dTable[t] += sum over windows of dOut[window T + t], t = blockIdx.x.
KERNEL void add_positions_backward(Numbers dOut, float* dTable, int windows, int length, int width) {
  ofReplica(dOut, dTable);
  int t = blockIdx.x;
  for (int c = threadIdx.x * VECTOR; c < width; c += blockDim.x * VECTOR) {
    Pack sum = load(dTable + (Index)t * width + c);
    for (int window = 0; window < windows; window++) {
      Pack p = load(dOut, ((Index)window * length + t) * width + c);
      for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
    }
    store(dTable + (Index)t * width + c, sum);
  }
}
