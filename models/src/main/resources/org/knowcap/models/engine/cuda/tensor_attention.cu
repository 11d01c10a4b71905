// The attention of attention.cu on tensor cores: bf16, head widths that are multiples of 16 up to 128. A warp keeps 16 rows of
// the block's 64; tiles of 32 are walked along. What a warp computes lies in its lanes' registers as multiply() has it:
// lane 4 g + t holds of a 16 x 8 tile the elements (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
#if NARROW && HEAD % 16 == 0 && HEAD <= 128
#define BLOCK_ROWS 64
#define WALK 32             // rows of a tile walked along
#define SPACED (HEAD + 8)   // so that the lanes' reads meet no bank twice

// Copies rows to shared memory, 8 numbers at a time, zeros beyond the window's end.
DEVICE void fetchTile(bf16* to, const bf16* from, int stride, int first, int rows, int length) {
  for (int i = threadIdx.x; i < rows * (HEAD / 8); i += blockDim.x) {
    int r = i / (HEAD / 8), c = i % (HEAD / 8) * 8;
    uint4 eight = make_uint4(0, 0, 0, 0);
    if (first + r < length) eight = *(const uint4*)(from + (Index)(first + r) * stride + c);
    *(uint4*)(to + r * SPACED + c) = eight;
  }
}

DEVICE unsigned pair(const bf16* at) { return *(const unsigned*)at; }

// scores [16, WALK] = rows of `own` from `first` times rows of `other`, both in shared memory.
DEVICE void products(float scores[WALK / 8][4], const bf16* own, int first, const bf16* other) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (int n = 0; n < WALK / 8; n++) {
    for (int i = 0; i < 4; i++) scores[n][i] = 0;
  }
#pragma unroll
  for (int k = 0; k < HEAD; k += 16) {
    const bf16* at = own + (first + g) * SPACED + k + 2 * t;
    unsigned a[4] = {pair(at), pair(at + 8 * SPACED), pair(at + 8), pair(at + 8 * SPACED + 8)};
#pragma unroll
    for (int n = 0; n < WALK / 8; n++) {
      const bf16* row = other + (8 * n + g) * SPACED + k + 2 * t;
      unsigned b[2] = {pair(row), pair(row + 8)};
      multiply(scores[n], a, b);
    }
  }
}

// sums [16, HEAD] += weights [16, WALK] * rows [WALK, HEAD], the rows in shared memory.
DEVICE void weighted(float sums[HEAD / 8][4], const float weights[WALK / 8][4], const bf16* rows) {
  int lane = threadIdx.x % 32;
#pragma unroll
  for (int k = 0; k < WALK / 16; k++) {
    const float* l = weights[2 * k];
    const float* r = weights[2 * k + 1];
    unsigned a[4] = {narrowTwo(l[0], l[1]), narrowTwo(l[2], l[3]), narrowTwo(r[0], r[1]), narrowTwo(r[2], r[3])};
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++) {
      unsigned b[2];
      loadColumns(b, rows + (16 * k + lane % 16) * SPACED + 8 * n);
      multiply(sums[n], a, b);
    }
  }
}

// Writes rows g and g + 8 of 16 x HEAD sums, each times its factor, where they are within the window.
DEVICE void writeRows(bf16* to, Index stride, int first, int length, const float sums[HEAD / 8][4], const float* factors) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (int half = 0; half < 2; half++) {
    int row = first + g + 8 * half;
    if (row >= length) continue;
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++) {
      *(unsigned*)(to + row * stride + 8 * n + 2 * t) =
          narrowTwo(sums[n][2 * half] * factors[half], sums[n][2 * half + 1] * factors[half]);
    }
  }
}

// Takes a head's slope for each token between query and key off a warp's 16 x WALK products, whose rows begin at query `row`
// and columns at key `column`.
DEVICE void slant(float products[WALK / 8][4], float slope, int row, int column) {
  if (slope == 0) return;
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
  for (int n = 0; n < WALK / 8; n++) {
    for (int i = 0; i < 4; i++) products[n][i] -= slope * (row + g + 8 * (i / 2) - column - 8 * n - 2 * t - i % 2);
  }
}

// What writeRows wrote with factors of one, into sums.
DEVICE void readRows(float sums[HEAD / 8][4], const bf16* from, Index stride, int first, int length) {
  int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (int half = 0; half < 2; half++) {
    int row = first + g + 8 * half;
    if (row >= length) continue;
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++) {
      sums[n][2 * half] = widen(from[row * stride + 8 * n + 2 * t]);
      sums[n][2 * half + 1] = widen(from[row * stride + 8 * n + 2 * t + 1]);
    }
  }
}

KERNEL void tensor_attend(const bf16* qkv, const bf16* distant, bf16* out, float* normalisers, const int2* documents,
    const float* slopes, int length, int heads, int keyHeads, int from, int reach, float scale) {
  ofReplica(qkv, distant, out, normalisers, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* q = (bf16*)shared;
  bf16* k = q + BLOCK_ROWS * SPACED;
  bf16* v = k + WALK * SPACED;
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  Place p = placeOf(heads, keyHeads, BLOCK_ROWS);
  Index window = (Index)p.window * length * p.stride;
  Index keys = window + (heads + p.keyHead) * HEAD;
  float slope = slopes ? slopes[p.head] : 0;
  float sums[HEAD / 8][4] = {}, largest[2] = {-INFINITE, -INFINITE}, total[2] = {};
#pragma unroll 1
  for (int near = distant ? 0 : 1; near < 2; near++) {
    const bf16* band = near ? qkv : distant;
    int low = near ? 0 : from, high = near ? from : reach, sees[2];
    for (int half = 0; half < 2; half++) {
      sees[half] = firstKey(documents, p.window, length, p.first + own + g + 8 * half, high);
    }
    __syncthreads();
    fetchTile(q, band + window + p.head * HEAD, p.stride, p.first, BLOCK_ROWS, length);
    int first = firstKey(documents, p.window, length, p.first, high) / WALK * WALK;
    for (int tile = first; tile < min(p.first + BLOCK_ROWS - low, length); tile += WALK) {
      __syncthreads();
      fetchTile(k, band + keys, p.stride, tile, WALK, length);
      fetchTile(v, qkv + keys + keyHeads * HEAD, p.stride, tile, WALK, length);
      __syncthreads();
      float scores[WALK / 8][4];
      products(scores, q, own, k);
      slant(scores, slope, p.first + own, tile);
      for (int half = 0; half < 2; half++) {
        int query = p.first + own + g + 8 * half;
        float top = largest[half];
        for (int n = 0; n < WALK / 8; n++) {
          for (int i = 0; i < 2; i++) {
            int key = tile + 8 * n + 2 * t + i;
            float* score = &scores[n][2 * half + i];
            *score = key <= query - low && key >= sees[half] && key < length ? *score * scale : -INFINITE;
            top = fmaxf(top, *score);
          }
        }
        top = warpMax(top, 4);
        // A row that has seen nothing yet stays at zero.
        float kept = top == -INFINITE ? 1 : expf(largest[half] - top), sum = 0;
        largest[half] = top;
        for (int n = 0; n < WALK / 8; n++) {
          for (int i = 0; i < 2; i++) {
            float* score = &scores[n][2 * half + i];
            *score = *score == -INFINITE ? 0 : expf(*score - top);
            sum += *score;
          }
        }
        total[half] = total[half] * kept + warpSum(sum, 4);
        for (int n = 0; n < HEAD / 8; n++) {
          sums[n][2 * half] *= kept;
          sums[n][2 * half + 1] *= kept;
        }
      }
      weighted(sums, scores, v);
    }
  }
  float factors[2] = {1 / total[0], 1 / total[1]};
  Index start = (Index)p.window * length * heads + p.head;
  writeRows(out + start * HEAD, heads * HEAD, p.first + own, length, sums, factors);
  for (int half = 0; half < 2; half++) {
    int query = p.first + own + g + 8 * half;
    if (t == 0 && query < length) normalisers[start + (Index)query * heads] = largest[half] + logf(total[half]);
  }
}

KERNEL void tensor_attend_queries(const bf16* band, const bf16* qkv, const float* normalisers, const float* deltas,
    const bf16* dOut, bf16* dBand, bf16* dQkv, const int2* documents, const float* slopes, int length, int heads, int keyHeads,
    int low, int high, float scale) {
  ofReplica(band, qkv, normalisers, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* q = (bf16*)shared;
  bf16* d = q + BLOCK_ROWS * SPACED;
  bf16* k = d + BLOCK_ROWS * SPACED;
  bf16* v = k + WALK * SPACED;
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  Place p = placeOf(heads, keyHeads, BLOCK_ROWS);
  Index window = (Index)p.window * length * p.stride;
  Index keys = window + (heads + p.keyHead) * HEAD;
  Index start = (Index)p.window * length * heads + p.head;
  float slope = slopes ? slopes[p.head] : 0;
  fetchTile(q, band + window + p.head * HEAD, p.stride, p.first, BLOCK_ROWS, length);
  fetchTile(d, dOut + start * HEAD, heads * HEAD, p.first, BLOCK_ROWS, length);
  float sums[HEAD / 8][4] = {}, normaliser[2], delta[2];
  int sees[2];
  for (int half = 0; half < 2; half++) {
    Index query = min(p.first + own + g + 8 * half, length - 1);
    sees[half] = firstKey(documents, p.window, length, query, high);
    normaliser[half] = normalisers[start + query * heads];
    delta[half] = deltas[start + query * heads];
  }
  int first = firstKey(documents, p.window, length, p.first, high) / WALK * WALK;
  for (int tile = first; tile < min(p.first + BLOCK_ROWS - low, length); tile += WALK) {
    __syncthreads();
    fetchTile(k, band + keys, p.stride, tile, WALK, length);
    fetchTile(v, qkv + keys + keyHeads * HEAD, p.stride, tile, WALK, length);
    __syncthreads();
    float scores[WALK / 8][4], steps[WALK / 8][4];
    products(scores, q, own, k);
    slant(scores, slope, p.first + own, tile);
    products(steps, d, own, v);
    for (int n = 0; n < WALK / 8; n++) {
      for (int i = 0; i < 4; i++) {
        int query = p.first + own + g + 8 * (i / 2), key = tile + 8 * n + 2 * t + i % 2;
        bool seen = key <= query - low && key >= sees[i / 2] && query < length;
        steps[n][i] = seen ? expf(scores[n][i] * scale - normaliser[i / 2]) * (steps[n][i] - delta[i / 2]) * scale : 0;
      }
    }
    weighted(sums, steps, k);
  }
  float factors[2] = {1, 1};
  writeRows(dBand + window + p.head * HEAD, p.stride, p.first + own, length, sums, factors);
}

KERNEL void tensor_attend_keys(const bf16* band, const bf16* qkv, const float* normalisers, const float* deltas,
    const bf16* dOut, bf16* dBand, bf16* dQkv, const int2* documents, const float* slopes, int length, int heads, int keyHeads,
    int low, int high, float scale) {
  ofReplica(band, qkv, normalisers, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* k = (bf16*)shared;
  bf16* v = k + BLOCK_ROWS * SPACED;
  bf16* q = v + BLOCK_ROWS * SPACED;
  bf16* d = q + WALK * SPACED;
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  int where = blockIdx.x / keyHeads, keyHead = blockIdx.x % keyHeads, first = blockIdx.y * BLOCK_ROWS;
  int stride = (heads + 2 * keyHeads) * HEAD, group = heads / keyHeads;
  bool adds = dBand != dQkv;
  Index window = (Index)where * length * stride;
  Index keys = window + (heads + keyHead) * HEAD, values = keys + keyHeads * HEAD;
  fetchTile(k, band + keys, stride, first, BLOCK_ROWS, length);
  fetchTile(v, qkv + values, stride, first, BLOCK_ROWS, length);
  int end = endOfQueries(documents, where, length, first + BLOCK_ROWS - 1, high), seenUpTo[2];
  for (int half = 0; half < 2; half++) {
    seenUpTo[half] = endOfQueries(documents, where, length, first + own + g + 8 * half, high);
  }
  float dK[HEAD / 8][4] = {}, dV[HEAD / 8][4] = {};
  if (adds) readRows(dV, dQkv + values, stride, first + own, length);
  for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
    Index start = (Index)where * length * heads + head;
    float slope = slopes ? slopes[head] : 0;
    for (int tile = (first + low) / WALK * WALK; tile < end; tile += WALK) {
      __syncthreads();
      fetchTile(q, band + window + head * HEAD, stride, tile, WALK, length);
      fetchTile(d, dOut + start * HEAD, heads * HEAD, tile, WALK, length);
      __syncthreads();
      // Transposed: rows are keys, columns queries.
      float weights[WALK / 8][4], steps[WALK / 8][4];
      products(weights, k, own, q);
      slant(weights, -slope, first + own, tile);
      products(steps, v, own, d);
      for (int n = 0; n < WALK / 8; n++) {
        for (int i = 0; i < 4; i++) {
          int key = first + own + g + 8 * (i / 2), query = tile + 8 * n + 2 * t + i % 2;
          bool seen = query >= key + low && query < seenUpTo[i / 2];
          Index at = start + (Index)min(query, length - 1) * heads;
          weights[n][i] = seen ? expf(weights[n][i] * scale - normalisers[at]) : 0;
          steps[n][i] = seen ? weights[n][i] * (steps[n][i] - deltas[at]) * scale : 0;
        }
      }
      weighted(dV, weights, d);
      weighted(dK, steps, q);
    }
  }
  float factors[2] = {1, 1}, none[2] = {};
  writeRows(dBand + keys, stride, first + own, length, dK, factors);
  writeRows(dQkv + values, stride, first + own, length, dV, factors);
  if (adds) writeRows(dBand + values, stride, first + own, length, dV, none);
}
#endif
