// The attention of attention.cu on tensor cores: bf16, head widths that are multiples of 16 up to 128. A warp keeps 16 rows of
// the block's 64; tiles of 32 are walked along, the next one on its way into the other half of the shared memory for them
// while one is computed with: a barrier between two tiles is enough, behind which nobody reads what the next fetch
// overwrites. Tiles that all of a warp's rows see all of are not masked, those that none sees any of not computed. What a warp computes lies in its lanes' registers as multiplyTiles() has it:
// lane 4 g + t holds of a 16 x 8 tile the elements (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
#if BF16 && HEAD % 16 == 0 && HEAD <= 128
#define BLOCK_ROWS 64
#define WALK 32             // rows of a tile walked along
#define SPACED (HEAD + 8)   // so that the lanes' reads meet no bank twice
#define THREADS 128

// Has COUNT rows copied to shared memory, 8 numbers at a time, zeros beyond the window's end.
template <int COUNT> DEVICE void fetchTile(bf16* to, const bf16* from, int stride, int first, int length) {
  const int EIGHTS = COUNT * (HEAD / 8);
#pragma unroll
  for (int j = 0; j < (EIGHTS + THREADS - 1) / THREADS; j++) {
    int i = j * THREADS + threadIdx.x, r = i / (HEAD / 8), c = i % (HEAD / 8) * 8;
    if (EIGHTS % THREADS && i >= EIGHTS) break;
    copyAsync<16>(to + r * SPACED + c, from + (Index)min(first + r, length - 1) * stride + c, first + r < length);
  }
}

// scores [16, WALK] = rows of `own` from `first` times rows of `other`, both in shared memory.
DEVICE void products(float scores[WALK / 8][4], const bf16* own, int first, const bf16* other) {
  int lane = threadIdx.x % 32;
  own += (first + lane % 16) * SPACED + lane / 16 * 8;
  other += (lane % 8 + lane / 16 * 8) * SPACED + lane / 8 % 2 * 8;
#pragma unroll
  for (int n = 0; n < WALK / 8; n++) {
    for (int i = 0; i < 4; i++) scores[n][i] = 0;
  }
#pragma unroll
  for (int k = 0; k < HEAD; k += 16) {
    unsigned a[4];
    loadTiles(a, own + k);
#pragma unroll
    for (int n = 0; n < WALK / 8; n += 2) {
      unsigned b[4];
      loadTiles(b, other + 8 * n * SPACED + k);
      multiplyTiles(scores[n], a, b);
      multiplyTiles(scores[n + 1], a, b + 2);
    }
  }
}

// sums [16, HEAD] += weights [16, WALK] * rows [WALK, HEAD], the rows in shared memory.
DEVICE void weighted(float sums[HEAD / 8][4], const float weights[WALK / 8][4], const bf16* rows) {
  int lane = threadIdx.x % 32;
  rows += lane % 16 * SPACED + lane / 16 * 8;
#pragma unroll
  for (int k = 0; k < WALK / 16; k++) {
    const float* l = weights[2 * k];
    const float* r = weights[2 * k + 1];
    unsigned a[4] = {toBf16Pair(l[0], l[1]), toBf16Pair(l[2], l[3]), toBf16Pair(r[0], r[1]), toBf16Pair(r[2], r[3])};
#pragma unroll
    for (int n = 0; n < HEAD / 8; n += 2) {
      unsigned b[4];
      loadTransposed(b, rows + 16 * k * SPACED + 8 * n);
      multiplyTiles(sums[n], a, b);
      multiplyTiles(sums[n + 1], a, b + 2);
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
          toBf16Pair(sums[n][2 * half] * factors[half], sums[n][2 * half + 1] * factors[half]);
    }
  }
}

// Takes a head's slope for each token between query and key off a warp's 16 x WALK products, whose rows begin at query `row`
// and columns at key `column`.
DEVICE void addAlibi(float products[WALK / 8][4], float slope, int row, int column) {
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
      sums[n][2 * half] = toFloat(from[row * stride + 8 * n + 2 * t]);
      sums[n][2 * half + 1] = toFloat(from[row * stride + 8 * n + 2 * t + 1]);
    }
  }
}

KERNEL_OF(THREADS, HEAD <= 64 ? 5 : 2) void tensor_attend(const bf16* qkv, const bf16* distant, bf16* out, float* logSumExp,
    const int2* documents, const float* slopes, int length, int heads, int keyHeads, int from, int reach, float scale) {
  ofReplica(qkv, distant, out, logSumExp, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* q = (bf16*)shared;
  bf16* tiles = q + BLOCK_ROWS * SPACED;
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  Place p = placeOf(heads, keyHeads, BLOCK_ROWS);
  Index window = (Index)p.window * length * p.stride;
  Index keys = window + (heads + p.keyHead) * HEAD;
  float slope = slopes ? slopes[p.head] : 0, factor = scale * LOG2_E;
  float sums[HEAD / 8][4] = {}, largest[2] = {-INFINITE, -INFINITE}, total[2] = {};
#pragma unroll 1
  for (int near = distant ? 0 : 1; near < 2; near++) {
    const bf16* band = near ? qkv : distant;
    int low = near ? 0 : from, high = near ? from : reach, sees[2];
    for (int half = 0; half < 2; half++) {
      sees[half] = firstKey(documents, p.window, length, p.first + own + g + 8 * half, high);
    }
    // What the warp's first and last rows see.
    int seesFirst = firstKey(documents, p.window, length, p.first + own, high);
    int seesLast = firstKey(documents, p.window, length, p.first + own + 15, high);
    int first = firstKey(documents, p.window, length, p.first, high) / WALK * WALK, stage = 0;
    int end = min(p.first + BLOCK_ROWS - low, length);
    auto fetch = [&](int tile, int stage) {
      bf16* to = tiles + stage * 2 * WALK * SPACED;
      fetchTile<WALK>(to, band + keys, p.stride, tile, length);
      fetchTile<WALK>(to + WALK * SPACED, qkv + keys + keyHeads * HEAD, p.stride, tile, length);
    };
    waitForCopies();
    __syncthreads();
    fetchTile<BLOCK_ROWS>(q, band + window + p.head * HEAD, p.stride, p.first, length);
    if (first < end) fetch(first, 0);
#pragma unroll 1
    for (int tile = first; tile < end; tile += WALK, stage ^= 1) {
      const bf16* k = tiles + stage * 2 * WALK * SPACED;
      waitForCopies();
      __syncthreads();
      if (tile + WALK < end) fetch(tile + WALK, stage ^ 1);
      if (tile > p.first + own + 15 - low || tile + WALK <= seesFirst) continue;
      float scores[WALK / 8][4];
      products(scores, q, own, k);
      addAlibi(scores, slope, p.first + own, tile);
      if (tile + WALK - 1 > p.first + own - low || tile < seesLast || tile + WALK > length) {
        int lowest[2], highest[2];
        for (int half = 0; half < 2; half++) {
          int column = tile + 2 * t;
          lowest[half] = sees[half] - column, highest[half] = min(p.first + own + g + 8 * half - low, length - 1) - column;
        }
#pragma unroll
        for (int n = 0; n < WALK / 8; n++) {
          for (int i = 0; i < 4; i++) {
            int key = 8 * n + i % 2;
            if (key < lowest[i / 2] || key > highest[i / 2]) scores[n][i] = -INFINITE;
          }
        }
      }
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float top = largest[half];
#pragma unroll
        for (int n = 0; n < WALK / 8; n++) top = fmaxf(top, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
        top = warpMax(top, 4);
        // A row that has seen nothing yet stays at zero.
        float base = top == -INFINITE ? 0 : top * factor;
        float kept = exp2Approximate(fmaf(largest[half], factor, -base)), sum = 0;
        largest[half] = top;
#pragma unroll
        for (int n = 0; n < WALK / 8; n++) {
          for (int i = 2 * half; i < 2 * half + 2; i++) sum += scores[n][i] = exp2Approximate(fmaf(scores[n][i], factor, -base));
        }
        // This lane's share of the row's.
        total[half] = total[half] * kept + sum;
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++) {
          sums[n][2 * half] *= kept;
          sums[n][2 * half + 1] *= kept;
        }
      }
      weighted(sums, scores, k + WALK * SPACED);
    }
  }
  for (int half = 0; half < 2; half++) total[half] = warpSum(total[half], 4);
  float factors[2] = {1 / total[0], 1 / total[1]};
  Index start = (Index)p.window * length * heads + p.head;
  writeRows(out + start * HEAD, heads * HEAD, p.first + own, length, sums, factors);
  for (int half = 0; half < 2; half++) {
    int query = p.first + own + g + 8 * half;
    if (t == 0 && query < length) logSumExp[start + (Index)query * heads] = largest[half] * scale + logf(total[half]);
  }
}

// dOut . out of 16 rows from `first`, two lanes a row: rows g and g + 8 are lanes 2g's and 2g + 16's.
DEVICE float deltaOf(const bf16* out, const bf16* dOut, Index stride, int first, int length) {
  int lane = threadIdx.x % 32, row = first + lane / 2;
  float sum = 0;
  if (row < length) {
    Index at = row * stride + lane % 2 * (HEAD / 2);
#pragma unroll
    for (int c = 0; c < HEAD / 2; c += 8) {
      uint4 x = *(const uint4*)(out + at + c), y = *(const uint4*)(dOut + at + c);
      unsigned a[4] = {x.x, x.y, x.z, x.w}, b[4] = {y.x, y.y, y.z, y.w};
      for (int i = 0; i < 4; i++) {
        sum += __uint_as_float(a[i] << 16) * __uint_as_float(b[i] << 16);
        sum += __uint_as_float(a[i] & 0xffff0000u) * __uint_as_float(b[i] & 0xffff0000u);
      }
    }
  }
  return sum + __shfl_xor_sync(EVERY_LANE, sum, 1);
}

KERNEL_OF(THREADS, HEAD <= 64 ? 4 : 2) void tensor_attend_queries(const bf16* band, const bf16* qkv, const bf16* out,
    const float* logSumExp, float* deltas, const bf16* dOut, bf16* dBand, bf16* dQkv, const int2* documents,
    const float* slopes, int length, int heads, int keyHeads, int low, int high, float scale) {
  ofReplica(band, qkv, out, logSumExp, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* q = (bf16*)shared;
  bf16* d = q + BLOCK_ROWS * SPACED;
  bf16* tiles = d + BLOCK_ROWS * SPACED;
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  Place p = placeOf(heads, keyHeads, BLOCK_ROWS);
  Index window = (Index)p.window * length * p.stride;
  Index keys = window + (heads + p.keyHead) * HEAD;
  Index start = (Index)p.window * length * heads + p.head;
  float slope = slopes ? slopes[p.head] : 0, factor = scale * LOG2_E;
  int first = firstKey(documents, p.window, length, p.first, high) / WALK * WALK, stage = 0;
  int end = min(p.first + BLOCK_ROWS - low, length);
  auto fetch = [&](int tile, int stage) {
    bf16* to = tiles + stage * 2 * WALK * SPACED;
    fetchTile<WALK>(to, band + keys, p.stride, tile, length);
    fetchTile<WALK>(to + WALK * SPACED, qkv + keys + keyHeads * HEAD, p.stride, tile, length);
  };
  fetchTile<BLOCK_ROWS>(q, band + window + p.head * HEAD, p.stride, p.first, length);
  fetchTile<BLOCK_ROWS>(d, dOut + start * HEAD, heads * HEAD, p.first, length);
  if (first < end) fetch(first, 0);
  float sums[HEAD / 8][4] = {}, lse[2], delta[2];
  int sees[2];
  float both = deltaOf(out + start * HEAD, dOut + start * HEAD, heads * HEAD, p.first + own, length);
  if (lane % 2 == 0 && p.first + own + lane / 2 < length) {
    deltas[start + (Index)(p.first + own + lane / 2) * heads] = both;
  }
  for (int half = 0; half < 2; half++) {
    Index query = min(p.first + own + g + 8 * half, length - 1);
    sees[half] = firstKey(documents, p.window, length, query, high);
    lse[half] = logSumExp[start + query * heads] * LOG2_E;
    delta[half] = __shfl_sync(EVERY_LANE, both, 2 * g + 16 * half);
  }
  int seesFirst = firstKey(documents, p.window, length, p.first + own, high);
  int seesLast = firstKey(documents, p.window, length, p.first + own + 15, high);
#pragma unroll 1
  for (int tile = first; tile < end; tile += WALK, stage ^= 1) {
    const bf16* k = tiles + stage * 2 * WALK * SPACED;
    waitForCopies();
    __syncthreads();
    if (tile + WALK < end) fetch(tile + WALK, stage ^ 1);
    if (tile > p.first + own + 15 - low || tile + WALK <= seesFirst) continue;
    float scores[WALK / 8][4], steps[WALK / 8][4];
    products(scores, q, own, k);
    addAlibi(scores, slope, p.first + own, tile);
    products(steps, d, own, k + WALK * SPACED);
#pragma unroll
    for (int n = 0; n < WALK / 8; n++) {
      for (int i = 0; i < 4; i++) {
        steps[n][i] = exp2Approximate(fmaf(scores[n][i], factor, -lse[i / 2])) * (steps[n][i] - delta[i / 2]);
      }
    }
    if (tile + WALK - 1 > p.first + own - low || tile < seesLast || tile + WALK > length) {
      int lowest[2], highest[2];
      for (int half = 0; half < 2; half++) {
        int column = tile + 2 * t;
        lowest[half] = sees[half] - column, highest[half] = min(p.first + own + g + 8 * half - low, length - 1) - column;
      }
#pragma unroll
      for (int n = 0; n < WALK / 8; n++) {
        for (int i = 0; i < 4; i++) {
          int key = 8 * n + i % 2;
          if (key < lowest[i / 2] || key > highest[i / 2]) steps[n][i] = 0;
        }
      }
    }
    weighted(sums, steps, k);
  }
  waitForCopies();
  float factors[2] = {scale, scale};
  writeRows(dBand + window + p.head * HEAD, p.stride, p.first + own, length, sums, factors);
}

KERNEL_OF(THREADS, HEAD <= 64 ? 3 : 2) void tensor_attend_keys(const bf16* band, const bf16* qkv, const float* logSumExp,
    const float* deltas, const bf16* dOut, bf16* dBand, bf16* dQkv, const int2* documents, const float* slopes, int length,
    int heads, int keyHeads, int low, int high, float scale) {
  ofReplica(band, qkv, logSumExp, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  bf16* k = (bf16*)shared;
  bf16* v = k + BLOCK_ROWS * SPACED;
  bf16* tiles = v + BLOCK_ROWS * SPACED;
  // Of a tile's queries, first logSumExp, then the deltas.
  float* ofQueries = (float*)(tiles + 4 * WALK * SPACED);
  int lane = threadIdx.x % 32, own = threadIdx.x / 32 * 16, g = lane / 4, t = lane % 4;
  int where = blockIdx.x / keyHeads, keyHead = blockIdx.x % keyHeads, first = blockIdx.y * BLOCK_ROWS;
  int stride = (heads + 2 * keyHeads) * HEAD, group = heads / keyHeads;
  bool adds = dBand != dQkv;
  float factor = scale * LOG2_E;
  Index window = (Index)where * length * stride;
  Index keys = window + (heads + keyHead) * HEAD, values = keys + keyHeads * HEAD;
  int begin = (first + low) / WALK * WALK;
  int end = endOfQueries(documents, where, length, first + BLOCK_ROWS - 1, high), seenUpTo[2], stage = 0;
  auto fetch = [&](int head, int tile, int stage) {
    bf16* to = tiles + stage * 2 * WALK * SPACED;
    Index start = (Index)where * length * heads + head;
    fetchTile<WALK>(to, band + window + head * HEAD, stride, tile, length);
    fetchTile<WALK>(to + WALK * SPACED, dOut + start * HEAD, heads * HEAD, tile, length);
    if (threadIdx.x < 2 * WALK) {
      int query = tile + threadIdx.x % WALK;
      copyAsync<4>(ofQueries + stage * 2 * WALK + threadIdx.x,
          (threadIdx.x < WALK ? logSumExp : deltas) + start + (Index)min(query, length - 1) * heads, query < length);
    }
  };
  fetchTile<BLOCK_ROWS>(k, band + keys, stride, first, length);
  fetchTile<BLOCK_ROWS>(v, qkv + values, stride, first, length);
  if (begin < end) fetch(keyHead * group, begin, 0);
  for (int half = 0; half < 2; half++) {
    seenUpTo[half] = endOfQueries(documents, where, length, first + own + g + 8 * half, high);
  }
  // Behind the last queries that see the warp's first and last keys.
  int endFirst = endOfQueries(documents, where, length, first + own, high);
  int endLast = endOfQueries(documents, where, length, first + own + 15, high);
  float dK[HEAD / 8][4] = {}, dV[HEAD / 8][4] = {};
  if (adds) readRows(dV, dQkv + values, stride, first + own, length);
#pragma unroll 1
  for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
    float slope = slopes ? slopes[head] : 0;
#pragma unroll 1
    for (int tile = begin; tile < end; tile += WALK, stage ^= 1) {
      const bf16* q = tiles + stage * 2 * WALK * SPACED;
      const bf16* d = q + WALK * SPACED;
      const float* lse = ofQueries + stage * 2 * WALK + 2 * t;
      waitForCopies();
      __syncthreads();
      bool more = tile + WALK < end;
      if (more || head + 1 < (keyHead + 1) * group) fetch(more ? head : head + 1, more ? tile + WALK : begin, stage ^ 1);
      if (tile + WALK <= first + own + low || tile >= endLast) continue;
      // Transposed: rows are keys, columns queries.
      float weights[WALK / 8][4], steps[WALK / 8][4];
      products(weights, k, own, q);
      addAlibi(weights, -slope, first + own, tile);
#pragma unroll
      for (int n = 0; n < WALK / 8; n++) {
        float2 of = *(const float2*)(lse + 8 * n);
        for (int i = 0; i < 4; i++) {
          weights[n][i] = exp2Approximate(fmaf(weights[n][i], factor, -LOG2_E * (i % 2 ? of.y : of.x)));
        }
      }
      if (tile < first + own + 15 + low || tile + WALK > endFirst) {
        int lowest[2], highest[2];
        for (int half = 0; half < 2; half++) {
          int column = tile + 2 * t;
          lowest[half] = first + own + g + 8 * half + low - column, highest[half] = seenUpTo[half] - column;
        }
#pragma unroll
        for (int n = 0; n < WALK / 8; n++) {
          for (int i = 0; i < 4; i++) {
            int query = 8 * n + i % 2;
            if (query < lowest[i / 2] || query >= highest[i / 2]) weights[n][i] = 0;
          }
        }
      }
      weighted(dV, weights, d);
      products(steps, v, own, d);
#pragma unroll
      for (int n = 0; n < WALK / 8; n++) {
        float2 of = *(const float2*)(lse + WALK + 8 * n);
        for (int i = 0; i < 4; i++) steps[n][i] = weights[n][i] * (steps[n][i] - (i % 2 ? of.y : of.x));
      }
      weighted(dK, steps, q);
    }
  }
  waitForCopies();
  float ones[2] = {1, 1}, factors[2] = {scale, scale}, none[2] = {};
  writeRows(dBand + keys, stride, first + own, length, dK, factors);
  writeRows(dQkv + values, stride, first + own, length, dV, ones);
  if (adds) writeRows(dBand + values, stride, first + own, length, dV, none);
}
#undef THREADS
#endif
