// Causal attention head by head, for any head width, in fp32: out = softmax(scale q k^T) v, scale = 1 / sqrt(HEAD), without a
// T x T matrix in memory (Dao et al., arXiv 2205.14135): a block keeps the rows of its own tile and walks along the
// others, a tile of 32 at a time. qkv [R, (heads + 2 keyHeads) HEAD] holds queries, keys, values, head after head; a
// query sees `reach` keys, itself the last; logSumExp [R, heads] is ln sum exp(scale q k).
//
// Beyond that (see ForwardOperation.Attention):
//   documents: [R, 2] are where in its window each token's document begins and ends; a query sees no key of others. May be null;
//   ALiBi: q k loses slopes[head] / scale for each token that the key is before its query. May be null;
//   ReRoPE: pairs `from` tokens or more apart have their queries and keys in `distant`, laid out as qkv. So there are two
//     bands of pairs, those near, 0 to from - 1 tokens apart, and those far, from to reach - 1. Forward walks along both,
//     backward is launched for each: the pairs `low` to `high` - 1 tokens apart.
#define OWN 4               // rows of the own tile that a warp keeps
#define TILE_ROWS 32        // rows of a tile walked along, one a lane
#define WARPS 4
#define ROWS (OWN * WARPS)
#define PADDED (HEAD + 1)   // so that lanes reading down a column meet no bank twice
#define COLUMNS ((HEAD + 31) / 32)

// Where a block is: blockIdx.x counts windows and heads, blockIdx.y tiles along the window, those with most to do first.
struct Place {
  int window, head, keyHead, stride, first;
};

DEVICE Place placeOf(int heads, int keyHeads, int tile) {
  Place p;
  p.window = blockIdx.x / heads;
  p.head = blockIdx.x % heads;
  p.keyHead = p.head / (heads / keyHeads);
  p.stride = (heads + 2 * keyHeads) * HEAD;
  p.first = (gridDim.y - 1 - blockIdx.y) * tile;
  return p;
}

// of[r] = from where to before where in its window the document of token r goes: from the last separator up to it, or the
// window's beginning, to the next separator, or the window's end.
KERNEL void documents(const int* tokens, int separator, int2* of, int rows, int length) {
  ofReplica(tokens, of);
  Index row = thread();
  if (row >= rows) return;
  int from = row % length, to = from + 1;
  const int* window = tokens + row - from;
  while (from > 0 && window[from] != separator) from--;
  while (to < length && window[to] != separator) to++;
  of[row] = make_int2(from, to);
}

// The first key that a query sees of those less than `high` tokens before it; it sees all from there to the last of its band.
// The later the query, the later.
DEVICE int firstKey(const int2* documents, int window, int length, int query, int high) {
  int row = min(query, length - 1), first = max(0, row - high + 1);
  return documents ? max(first, documents[(Index)window * length + row].x) : first;
}

// The same the other way round: behind the last query that sees a key.
DEVICE int endOfQueries(const int2* documents, int window, int length, int key, int high) {
  int row = min(key, length - 1), end = min(length, row + high);
  return documents ? min(end, documents[(Index)window * length + row].y) : end;
}

// Copies rows [first, first + rows) of a head's matrix to shared memory, zeros beyond the window's end.
DEVICE void fetch(float* to, int padded, const Element* from, int stride, int first, int rows, int length) {
  for (int i = threadIdx.x; i < rows * HEAD; i += blockDim.x) {
    int r = i / HEAD, c = i % HEAD;
    to[r * padded + c] = first + r < length ? toFloat(from[(Index)(first + r) * stride + c]) : 0;
  }
}

DEVICE float dot(const float* a, const float* b) {
  float sum = 0;
  for (int c = 0; c < HEAD; c++) sum += a[c] * b[c];
  return sum;
}

// sums[j] += sum over the tile's rows r of weight[r] * rows[r][lane + 32 j], the warp's weights one a lane.
DEVICE void gather(float* sums, float weight, float* weights, const float* rows, int lane) {
  __syncwarp();
  weights[lane] = weight;
  __syncwarp();
  for (int r = 0; r < TILE_ROWS; r++) {
    for (int j = 0; j < COLUMNS; j++) {
      if (lane + 32 * j < HEAD) sums[j] += weights[r] * rows[r * PADDED + lane + 32 * j];
    }
  }
}

KERNEL void attend(const Element* qkv, const Element* distant, Element* out, float* logSumExp, const int2* documents,
    const float* slopes, int length, int heads, int keyHeads, int from, int reach, float scale) {
  ofReplica(qkv, distant, out, logSumExp, documents, slopes);
  DYNAMIC_SHARED(shared);
  float* q = shared;
  float* k = q + ROWS * HEAD;
  float* v = k + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = v + TILE_ROWS * PADDED + 32 * warp;
  Place p = placeOf(heads, keyHeads, ROWS);
  Index window = (Index)p.window * length * p.stride;
  int keys = (heads + p.keyHead) * HEAD;
  float slope = slopes ? slopes[p.head] : 0;
  float sums[OWN][COLUMNS] = {}, largest[OWN], total[OWN];
  for (int m = 0; m < OWN; m++) largest[m] = -INFINITE, total[m] = 0;
  for (int near = distant ? 0 : 1; near < 2; near++) {
    const Element* band = near ? qkv : distant;
    int low = near ? 0 : from, high = near ? from : reach, sees[OWN];
    for (int m = 0; m < OWN; m++) sees[m] = firstKey(documents, p.window, length, p.first + warp * OWN + m, high);
    __syncthreads();
    fetch(q, HEAD, band + window + p.head * HEAD, p.stride, p.first, ROWS, length);
    int first = firstKey(documents, p.window, length, p.first, high) / TILE_ROWS * TILE_ROWS;
    for (int tile = first; tile < min(p.first + ROWS - low, length); tile += TILE_ROWS) {
      __syncthreads();
      fetch(k, PADDED, band + window + keys, p.stride, tile, TILE_ROWS, length);
      fetch(v, PADDED, qkv + window + keys + keyHeads * HEAD, p.stride, tile, TILE_ROWS, length);
      __syncthreads();
#pragma unroll
      for (int m = 0; m < OWN; m++) {
        int query = p.first + warp * OWN + m, key = tile + lane;
        bool seen = key <= query - low && key >= sees[m] && key < length;
        float product = dot(q + (warp * OWN + m) * HEAD, k + lane * PADDED);
        float score = seen ? scale * (product - slope * (query - key)) : -INFINITE;
        float top = fmaxf(largest[m], warpMax(score));
        if (top == -INFINITE) continue;
        float kept = expf(largest[m] - top), weight = expf(score - top);
        largest[m] = top;
        total[m] = total[m] * kept + warpSum(weight);
        for (int j = 0; j < COLUMNS; j++) sums[m][j] *= kept;
        gather(sums[m], weight, weights, v, lane);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int query = p.first + warp * OWN + m;
    if (query >= length) continue;
    Index row = (Index)p.window * length + query;
    for (int j = 0; j < COLUMNS; j++) {
      if (lane + 32 * j < HEAD) store(out + (row * heads + p.head) * HEAD + lane + 32 * j, sums[m][j] / total[m]);
    }
    if (lane == 0) logSumExp[row * heads + p.head] = largest[m] + logf(total[m]);
  }
}

// Of the pairs of a band, whose queries and keys are in `band`, which is qkv itself or `distant`: with weights
// w = exp(scale q k - logSumExp) and steps s = w (dOut v - delta) scale, dQ = sum over keys of s k.
// Leaves in deltas [R, heads] each head's dOut . out, which the softmax's gradient needs.
KERNEL void attend_queries(const Element* band, const Element* qkv, const Element* out, const float* logSumExp, float* deltas,
    const Element* dOut, Element* dBand, Element* dQkv, const int2* documents, const float* slopes, int length, int heads,
    int keyHeads, int low, int high, float scale) {
  ofReplica(band, qkv, out, logSumExp, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  float* q = shared;
  float* g = q + ROWS * HEAD;
  float* k = g + ROWS * HEAD;
  float* v = k + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = v + TILE_ROWS * PADDED + 32 * warp;
  Place p = placeOf(heads, keyHeads, ROWS);
  Index window = (Index)p.window * length * p.stride;
  int keys = (heads + p.keyHead) * HEAD;
  float slope = slopes ? slopes[p.head] : 0;
  fetch(q, HEAD, band + window + p.head * HEAD, p.stride, p.first, ROWS, length);
  fetch(g, HEAD, dOut + ((Index)p.window * length * heads + p.head) * HEAD, heads * HEAD, p.first, ROWS, length);
  float sums[OWN][COLUMNS] = {}, delta[OWN] = {};
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int query = p.first + warp * OWN + m;
    if (query >= length) continue;
    Index at = ((Index)p.window * length + query) * heads + p.head;
    for (int c = lane; c < HEAD; c += 32) delta[m] += toFloat(out[at * HEAD + c]) * toFloat(dOut[at * HEAD + c]);
    delta[m] = warpSum(delta[m]);
    if (lane == 0) deltas[at] = delta[m];
  }
  int sees[OWN];
  for (int m = 0; m < OWN; m++) sees[m] = firstKey(documents, p.window, length, p.first + warp * OWN + m, high);
  int first = firstKey(documents, p.window, length, p.first, high) / TILE_ROWS * TILE_ROWS;
  for (int tile = first; tile < min(p.first + ROWS - low, length); tile += TILE_ROWS) {
    __syncthreads();
    fetch(k, PADDED, band + window + keys, p.stride, tile, TILE_ROWS, length);
    fetch(v, PADDED, qkv + window + keys + keyHeads * HEAD, p.stride, tile, TILE_ROWS, length);
    __syncthreads();
#pragma unroll
    for (int m = 0; m < OWN; m++) {
      int own = warp * OWN + m, query = p.first + own, key = tile + lane;
      Index at = ((Index)p.window * length + query) * heads + p.head;
      bool seen = query < length && key <= query - low && key >= sees[m];
      float step = 0;
      if (seen) {
        float product = dot(q + own * HEAD, k + lane * PADDED) - slope * (query - key);
        float weight = expf(scale * product - logSumExp[at]);
        step = weight * (dot(g + own * HEAD, v + lane * PADDED) - delta[m]) * scale;
      }
      gather(sums[m], step, weights, k, lane);
    }
  }
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int query = p.first + warp * OWN + m;
    for (int j = 0; j < COLUMNS; j++) {
      if (query < length && lane + 32 * j < HEAD) {
        store(dBand + window + (Index)query * p.stride + p.head * HEAD + lane + 32 * j, sums[m][j]);
      }
    }
  }
}

// dK = sum over queries of s q and dV = sum of w dOut, over all heads of queries that share the head of keys: blockIdx.x
// counts windows and heads of keys here. Pairs far apart come after those near, and add to dV; their own values' gradient is 0.
KERNEL void attend_keys(const Element* band, const Element* qkv, const float* logSumExp, const float* deltas,
    const Element* dOut, Element* dBand, Element* dQkv, const int2* documents, const float* slopes, int length, int heads,
    int keyHeads, int low, int high, float scale) {
  ofReplica(band, qkv, logSumExp, deltas, dOut, dBand, dQkv, documents, slopes);
  DYNAMIC_SHARED(shared);
  float* k = shared;
  float* v = k + ROWS * HEAD;
  float* q = v + ROWS * HEAD;
  float* g = q + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = g + TILE_ROWS * PADDED + 32 * warp;
  int where = blockIdx.x / keyHeads, keyHead = blockIdx.x % keyHeads, first = blockIdx.y * ROWS;
  int stride = (heads + 2 * keyHeads) * HEAD, group = heads / keyHeads;
  bool adds = dBand != dQkv;
  Index window = (Index)where * length * stride;
  Index keys = window + (heads + keyHead) * HEAD, values = keys + keyHeads * HEAD;
  fetch(k, HEAD, band + keys, stride, first, ROWS, length);
  fetch(v, HEAD, qkv + values, stride, first, ROWS, length);
  int end = endOfQueries(documents, where, length, first + ROWS - 1, high), seenUpTo[OWN];
  for (int m = 0; m < OWN; m++) {
    seenUpTo[m] = endOfQueries(documents, where, length, first + warp * OWN + m, high);
  }
  float dK[OWN][COLUMNS] = {}, dV[OWN][COLUMNS] = {};
  for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
    float slope = slopes ? slopes[head] : 0;
    for (int tile = (first + low) / TILE_ROWS * TILE_ROWS; tile < end; tile += TILE_ROWS) {
      __syncthreads();
      fetch(q, PADDED, band + window + head * HEAD, stride, tile, TILE_ROWS, length);
      fetch(g, PADDED, dOut + ((Index)where * length * heads + head) * HEAD, heads * HEAD, tile, TILE_ROWS, length);
      __syncthreads();
      int query = tile + lane;
      Index at = ((Index)where * length + query) * heads + head;
#pragma unroll
      for (int m = 0; m < OWN; m++) {
        int own = warp * OWN + m, key = first + own;
        bool seen = query >= key + low && query < seenUpTo[m];
        float weight = 0, step = 0;
        if (seen) {
          float product = dot(k + own * HEAD, q + lane * PADDED) - slope * (query - key);
          weight = expf(scale * product - logSumExp[at]);
          step = weight * (dot(v + own * HEAD, g + lane * PADDED) - deltas[at]) * scale;
        }
        gather(dV[m], weight, weights, g, lane);
        gather(dK[m], step, weights, q, lane);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int key = first + warp * OWN + m;
    for (int j = 0; j < COLUMNS; j++) {
      if (key < length && lane + 32 * j < HEAD) {
        Index at = (Index)key * stride + lane + 32 * j;
        store(dBand + keys + at, dK[m][j]);
        store(dQkv + values + at, dV[m][j] + (adds ? toFloat(dQkv[values + at]) : 0));
        if (adds) store(dBand + values + at, 0);
      }
    }
  }
}
