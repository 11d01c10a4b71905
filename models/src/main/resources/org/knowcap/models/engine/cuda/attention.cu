// Causal attention head by head, for any head width, in fp32: out = softmax(scale q k^T) v, scale = 1 / sqrt(HEAD), without a
// T x T matrix in memory (Dao et al., arXiv 2205.14135): a block keeps the rows of its own tile and walks along the
// others, a tile of 32 at a time. qkv [R, (heads + 2 keyHeads) HEAD] holds queries, keys, values, head after head; a
// query sees `reach` keys, itself the last; normalisers [R, heads] are ln sum exp(scale q k).
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

// Copies rows [first, first + rows) of a head's matrix to shared memory, zeros beyond the window's end.
DEVICE void fetch(float* to, int padded, const Element* from, int stride, int first, int rows, int length) {
  for (int i = threadIdx.x; i < rows * HEAD; i += blockDim.x) {
    int r = i / HEAD, c = i % HEAD;
    to[r * padded + c] = first + r < length ? widen(from[(Index)(first + r) * stride + c]) : 0;
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

KERNEL void attend(const Element* qkv, Element* out, float* normalisers, int length, int heads, int keyHeads, int reach,
    float scale) {
  DYNAMIC_SHARED(shared);
  float* q = shared;
  float* k = q + ROWS * HEAD;
  float* v = k + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = v + TILE_ROWS * PADDED + 32 * warp;
  Place p = placeOf(heads, keyHeads, ROWS);
  const Element* window = qkv + (Index)p.window * length * p.stride;
  const Element* keys = window + (heads + p.keyHead) * HEAD;
  fetch(q, HEAD, window + p.head * HEAD, p.stride, p.first, ROWS, length);
  float sums[OWN][COLUMNS] = {}, largest[OWN], total[OWN];
  for (int m = 0; m < OWN; m++) largest[m] = -INFINITE, total[m] = 0;
  int from = max(0, p.first - reach + 1) / TILE_ROWS * TILE_ROWS;
  for (int tile = from; tile < min(p.first + ROWS, length); tile += TILE_ROWS) {
    __syncthreads();
    fetch(k, PADDED, keys, p.stride, tile, TILE_ROWS, length);
    fetch(v, PADDED, keys + keyHeads * HEAD, p.stride, tile, TILE_ROWS, length);
    __syncthreads();
#pragma unroll
    for (int m = 0; m < OWN; m++) {
      int query = p.first + warp * OWN + m, key = tile + lane;
      bool seen = key <= query && key > query - reach && key < length;
      float score = seen ? scale * dot(q + (warp * OWN + m) * HEAD, k + lane * PADDED) : -INFINITE;
      float high = fmaxf(largest[m], warpMax(score));
      if (high == -INFINITE) continue;
      float kept = expf(largest[m] - high), weight = expf(score - high);
      largest[m] = high;
      total[m] = total[m] * kept + warpSum(weight);
      for (int j = 0; j < COLUMNS; j++) sums[m][j] *= kept;
      gather(sums[m], weight, weights, v, lane);
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
    if (lane == 0) normalisers[row * heads + p.head] = largest[m] + logf(total[m]);
  }
}

// deltas [R, heads]: each head's dOut . out, which the softmax's gradient needs. A warp takes a row of a head.
KERNEL void attend_deltas(const Element* out, const Element* dOut, float* deltas, int count) {
  int i = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (i >= count) return;
  float sum = 0;
  for (int c = lane; c < HEAD; c += 32) sum += widen(out[(Index)i * HEAD + c]) * widen(dOut[(Index)i * HEAD + c]);
  sum = warpSum(sum);
  if (lane == 0) deltas[i] = sum;
}

// With weights w = exp(scale q k - normaliser) and slopes s = w (dOut v - delta) scale: dQ = sum over keys of s k.
KERNEL void attend_queries(const Element* qkv, const float* normalisers, const float* deltas, const Element* dOut,
    Element* dQkv, int length, int heads, int keyHeads, int reach, float scale) {
  DYNAMIC_SHARED(shared);
  float* q = shared;
  float* g = q + ROWS * HEAD;
  float* k = g + ROWS * HEAD;
  float* v = k + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = v + TILE_ROWS * PADDED + 32 * warp;
  Place p = placeOf(heads, keyHeads, ROWS);
  const Element* window = qkv + (Index)p.window * length * p.stride;
  const Element* keys = window + (heads + p.keyHead) * HEAD;
  fetch(q, HEAD, window + p.head * HEAD, p.stride, p.first, ROWS, length);
  fetch(g, HEAD, dOut + ((Index)p.window * length * heads + p.head) * HEAD, heads * HEAD, p.first, ROWS, length);
  float sums[OWN][COLUMNS] = {};
  int from = max(0, p.first - reach + 1) / TILE_ROWS * TILE_ROWS;
  for (int tile = from; tile < min(p.first + ROWS, length); tile += TILE_ROWS) {
    __syncthreads();
    fetch(k, PADDED, keys, p.stride, tile, TILE_ROWS, length);
    fetch(v, PADDED, keys + keyHeads * HEAD, p.stride, tile, TILE_ROWS, length);
    __syncthreads();
#pragma unroll
    for (int m = 0; m < OWN; m++) {
      int own = warp * OWN + m, query = p.first + own, key = tile + lane;
      Index at = ((Index)p.window * length + query) * heads + p.head;
      bool seen = query < length && key <= query && key > query - reach;
      float slope = 0;
      if (seen) {
        float weight = expf(scale * dot(q + own * HEAD, k + lane * PADDED) - normalisers[at]);
        slope = weight * (dot(g + own * HEAD, v + lane * PADDED) - deltas[at]) * scale;
      }
      gather(sums[m], slope, weights, k, lane);
    }
  }
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int query = p.first + warp * OWN + m;
    for (int j = 0; j < COLUMNS; j++) {
      if (query < length && lane + 32 * j < HEAD) {
        store(dQkv + ((Index)p.window * length + query) * p.stride + p.head * HEAD + lane + 32 * j, sums[m][j]);
      }
    }
  }
}

// dK = sum over queries of s q and dV = sum of w dOut, over all heads of queries that share the head of keys: blockIdx.x
// counts windows and heads of keys here.
KERNEL void attend_keys(const Element* qkv, const float* normalisers, const float* deltas, const Element* dOut,
    Element* dQkv, int length, int heads, int keyHeads, int reach, float scale) {
  DYNAMIC_SHARED(shared);
  float* k = shared;
  float* v = k + ROWS * HEAD;
  float* q = v + ROWS * HEAD;
  float* g = q + TILE_ROWS * PADDED;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  float* weights = g + TILE_ROWS * PADDED + 32 * warp;
  int where = blockIdx.x / keyHeads, keyHead = blockIdx.x % keyHeads, first = blockIdx.y * ROWS;
  int stride = (heads + 2 * keyHeads) * HEAD, group = heads / keyHeads;
  const Element* window = qkv + (Index)where * length * stride;
  const Element* keys = window + (heads + keyHead) * HEAD;
  fetch(k, HEAD, keys, stride, first, ROWS, length);
  fetch(v, HEAD, keys + keyHeads * HEAD, stride, first, ROWS, length);
  float dK[OWN][COLUMNS] = {}, dV[OWN][COLUMNS] = {};
  for (int head = keyHead * group; head < (keyHead + 1) * group; head++) {
    int end = min((Index)length, (Index)first + ROWS - 1 + reach);
    for (int tile = first / TILE_ROWS * TILE_ROWS; tile < end; tile += TILE_ROWS) {
      __syncthreads();
      fetch(q, PADDED, window + head * HEAD, stride, tile, TILE_ROWS, length);
      fetch(g, PADDED, dOut + ((Index)where * length * heads + head) * HEAD, heads * HEAD, tile, TILE_ROWS, length);
      __syncthreads();
  #pragma unroll
    for (int m = 0; m < OWN; m++) {
        int own = warp * OWN + m, key = first + own, query = tile + lane;
        Index at = ((Index)where * length + query) * heads + head;
        bool seen = query < length && key <= query && key > query - reach;
        float weight = 0, slope = 0;
        if (seen) {
          weight = expf(scale * dot(k + own * HEAD, q + lane * PADDED) - normalisers[at]);
          slope = weight * (dot(v + own * HEAD, g + lane * PADDED) - deltas[at]) * scale;
        }
        gather(dV[m], weight, weights, g, lane);
        gather(dK[m], slope, weights, q, lane);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < OWN; m++) {
    int key = first + warp * OWN + m;
    Element* to = dQkv + ((Index)where * length + key) * stride + (heads + keyHead) * HEAD;
    for (int j = 0; j < COLUMNS; j++) {
      if (key < length && lane + 32 * j < HEAD) {
        store(to + lane + 32 * j, dK[m][j]);
        store(to + keyHeads * HEAD + lane + 32 * j, dV[m][j]);
      }
    }
  }
}
