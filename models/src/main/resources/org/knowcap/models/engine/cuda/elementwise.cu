// A thread takes VECTOR numbers. Activations: 0 is GELU in GPT-2's form, x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))),
// 1 is SiLU, x / (1 + exp(-x)), 2 is ReLU^2, which leaves what is not a number as it is.
#define GELU_ROOT 0.7978845608028654f
#define GELU_CUBE 0.044715f

// tanh(u) = 1 - 2 / (1 + exp(2 u))
DEVICE float geluTanh(float x) { return 1 - 2 / (1 + expf(2 * GELU_ROOT * (x + GELU_CUBE * x * x * x))); }

DEVICE float activation(int which, float x) {
  if (which == 2) return x < 0 ? 0 : x * x;
  return which == 0 ? 0.5f * x * (1 + geluTanh(x)) : x / (1 + expf(-x));
}

DEVICE float slope(int which, float x) {
  if (which == 0) {
    float t = geluTanh(x);
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * GELU_ROOT * (1 + 3 * GELU_CUBE * x * x);
  }
  if (which == 2) return x < 0 ? 0 : 2 * x;
  float s = 1 / (1 + expf(-x));
  return s * (1 + x * (1 - s));
}

// out = a + b
KERNEL void add(Numbers a, Numbers b, Numbers out, Index count) {
  ofReplica(a, b, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack p = load(a, i), q = load(b, i);
  for (int k = 0; k < VECTOR; k++) p.x[k] += q.x[k];
  store(out, i, p);
}

// out = factor x
KERNEL void scale(float factor, Numbers x, Numbers out, Index count) {
  ofReplica(x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack p = load(x, i);
  for (int k = 0; k < VECTOR; k++) p.x[k] *= factor;
  store(out, i, p);
}

// out = x, in out's precision. One number a thread: parameters are any number.
KERNEL void copy(Numbers x, Numbers out, Index count) {
  ofReplica(x, out);
  Index i = thread();
  if (i < count) put(out, i, get(x, i));
}

// out = activation(x)
KERNEL void activate(int which, Numbers x, Numbers out, Index count) {
  ofReplica(x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack p = load(x, i);
  for (int k = 0; k < VECTOR; k++) p.x[k] = activation(which, p.x[k]);
  store(out, i, p);
}

// gradient *= activation'(x)
KERNEL void activate_backward(int which, Numbers x, Numbers gradient, Index count) {
  ofReplica(x, gradient);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack p = load(x, i), g = load(gradient, i);
  for (int k = 0; k < VECTOR; k++) g.x[k] *= slope(which, p.x[k]);
  store(gradient, i, g);
}

// out [R, n] = activation(left half of x) * right half of x, x [R, 2n]
KERNEL void gated_activation(int which, Numbers x, Numbers out, int rows, int width) {
  ofReplica(x, out);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  Index left = i / width * 2 * width + i % width;
  Pack l = load(x, left), r = load(x, left + width);
  for (int k = 0; k < VECTOR; k++) l.x[k] = activation(which, l.x[k]) * r.x[k];
  store(out, i, l);
}

// Of the halves l and r: dOut r activation'(l) and dOut activation(l)
KERNEL void gated_activation_backward(int which, Numbers x, Numbers dOut, Numbers dX, int rows, int width) {
  ofReplica(x, dOut, dX);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  Index left = i / width * 2 * width + i % width;
  Pack l = load(x, left), r = load(x, left + width), g = load(dOut, i), dL, dR;
  for (int k = 0; k < VECTOR; k++) {
    dL.x[k] = g.x[k] * r.x[k] * slope(which, l.x[k]);
    dR.x[k] = g.x[k] * activation(which, l.x[k]);
  }
  store(dX, left, dL);
  store(dX, left + width, dR);
}

// RoPE in place: rotates in each head component i of the first 2 half with component i + half, by the angle whose cosine and sine
// are queryAngles[t][i], t the position in the window, of keys keyAngles[t][i]; direction -1 rotates back. The first `queries`
// heads are the queries'.

// LANES pairs that lie side by side.
template <int LANES> struct Pairs {
  float left[LANES], right[LANES];
};

template <int LANES> DEVICE Pairs<LANES> loadPairs(const Element* at, int half) {
  Pairs<LANES> p;
  if constexpr (LANES == VECTOR) {
    Pack l = load(at), r = load(at + half);
    for (int k = 0; k < LANES; k++) p.left[k] = l.x[k], p.right[k] = r.x[k];
  } else {
    p.left[0] = toFloat(at[0]), p.right[0] = toFloat(at[half]);
  }
  return p;
}

template <int LANES> DEVICE void storePairs(Element* at, int half, const Pairs<LANES>& p) {
  if constexpr (LANES == VECTOR) {
    Pack l, r;
    for (int k = 0; k < LANES; k++) l.x[k] = p.left[k], r.x[k] = p.right[k];
    store(Numbers{at, BF16}, 0, l);
    store(Numbers{at, BF16}, half, r);
  } else {
    store(at, p.left[0]), store(at + half, p.right[0]);
  }
}

// By the angles from `angle` on.
template <int LANES> DEVICE void rotatePairs(Pairs<LANES>& p, const float* angle, float direction) {
  for (int k = 0; k < LANES; k++) {
    float cosine = angle[2 * k], sine = direction * angle[2 * k + 1], x = p.left[k], y = p.right[k];
    p.left[k] = x * cosine - y * sine;
    p.right[k] = x * sine + y * cosine;
  }
}

// A warp takes a row, a lane LANES pairs at a time.
template <int LANES>
DEVICE void rotateRow(Element* qkv, const float* queryAngles, const float* keyAngles, int rows, int length, int stride, int queries,
    int heads, int half, float direction) {
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, position = row % length;
  if (row >= rows) return;
  for (unsigned i = threadIdx.x % 32 * LANES, all = heads * half; i < all; i += 32 * LANES) {
    unsigned head = i / half, component = i % half;
    const float* angle = (head < queries ? queryAngles : keyAngles) + 2 * (position * half + component);
    Element* at = qkv + (Index)row * stride + head * HEAD + component;
    Pairs<LANES> p = loadPairs<LANES>(at, half);
    rotatePairs(p, angle, direction);
    storePairs(at, half, p);
  }
}

KERNEL void rope(Element* qkv, const float* queryAngles, const float* keyAngles, int rows, int length, int stride, int queries,
    int heads, int half, float direction) {
  ofReplica(qkv, queryAngles, keyAngles);
  rotateRow<VECTOR>(qkv, queryAngles, keyAngles, rows, length, stride, queries, heads, half, direction);
}

// The same where half is no multiple of VECTOR.
KERNEL void rope_odd(Element* qkv, const float* queryAngles, const float* keyAngles, int rows, int length, int stride, int queries,
    int heads, int half, float direction) {
  ofReplica(qkv, queryAngles, keyAngles);
  rotateRow<1>(qkv, queryAngles, keyAngles, rows, length, stride, queries, heads, half, direction);
}

// Turns back, and leaves in parts[blockIdx.x] [stride] the sums of what then are its rows: the gradient of the bias of queries, keys
// and values. Each thread has columns of its own, VECTOR pairs of those that turn or VECTOR of the others, of every so
// many rows: `across` threads beside each other have all of a row.
KERNEL_OF(256, 4) void rope_back(Element* qkv, const float* queryAngles, const float* keyAngles, float* parts, int rows, int length,
    int stride, int queries, int heads, int half, int across) {
  ofReplica(qkv, queryAngles, keyAngles, parts);
  __shared__ Pack lefts[256], rights[256];
  int item = blockIdx.y * across + threadIdx.x % across, slot = threadIdx.x / across, slots = blockDim.x / across;
  int pairs = heads * half / VECTOR, still = (HEAD - 2 * half) / VECTOR, all = pairs + heads * still;
  // Where the thread's columns are, and of those that turn how far its pairs' other halves.
  int head = item * VECTOR / half, component = item * VECTOR % half, column = head * HEAD + component;
  bool rotated = item < pairs;
  if (!rotated && item < all) {
    int other = item - pairs;
    column = other / still * HEAD + 2 * half + other % still * VECTOR;
  } else if (!rotated) {
    column = heads * HEAD + (item - all) * VECTOR;
  }
  bool mine = slot < slots && column < stride;
  Pack left = {}, right = {};
  if (mine && rotated) {
    const float* table = head < queries ? queryAngles : keyAngles;
    auto finish = [&](Pairs<VECTOR> p, int row) {
      rotatePairs(p, table + 2 * (row % length * half + component), -1);
      storePairs(qkv + (Index)row * stride + column, half, p);
      for (int k = 0; k < VECTOR; k++) left.x[k] += p.left[k], right.x[k] += p.right[k];
    };
    // Two rows at a time, so that the second's load need not wait for the first's store.
    int step = gridDim.x * slots;
    for (int row = blockIdx.x * slots + slot; row < rows; row += 2 * step) {
      bool two = row + step < rows;
      Pairs<VECTOR> p = loadPairs<VECTOR>(qkv + (Index)row * stride + column, half), q = p;
      if (two) q = loadPairs<VECTOR>(qkv + (Index)(row + step) * stride + column, half);
      finish(p, row);
      if (two) finish(q, row + step);
    }
  } else if (mine) {
#pragma unroll 4
    for (int row = blockIdx.x * slots + slot; row < rows; row += gridDim.x * slots) {
      Pack p = load((const Element*)qkv + (Index)row * stride + column);
      for (int k = 0; k < VECTOR; k++) left.x[k] += p.x[k];
    }
  }
  lefts[threadIdx.x] = left, rights[threadIdx.x] = right;
  __syncthreads();
  if (!mine || slot > 0) return;
  for (int s = 1; s < slots; s++) {
    for (int k = 0; k < VECTOR; k++) {
      left.x[k] += lefts[s * across + threadIdx.x].x[k], right.x[k] += rights[s * across + threadIdx.x].x[k];
    }
  }
  float* to = parts + (Index)blockIdx.x * stride + column;
  store(to, left);
  if (rotated) store(to + half, right);
}

// Canon layers: out[r] = x[r] + sum over k < LAGS of weight[k] x[r - k], over the tokens of r's window and document; weight
// [LAGS, n]. `documents` says for each token from where to before where in its window its document goes; null for windows of one.
#define LAGS 4

DEVICE int2 documentOf(const int2* documents, int row, int length) {
  return documents ? documents[row] : make_int2(0, length);
}

// A thread takes VECTOR numbers of a row.
KERNEL void canon(Numbers x, const float* weight, const int2* documents, Numbers out, int length, int rows, int width) {
  ofReplica(x, weight, documents, out);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  int row = i / width, c = i % width;
  int lags = min(LAGS - 1, row % length - documentOf(documents, row, length).x);
  Pack sum = load(x, i);
  for (int k = 0; k <= lags; k++) {
    Pack p = load(x, i - (Index)k * width), w = load(weight + k * width + c);
    for (int j = 0; j < VECTOR; j++) sum.x[j] += w.x[j] * p.x[j];
  }
  store(out, i, sum);
}

// dX[r] = dOut[r] + sum over k of weight[k] dOut[r + k]
KERNEL void canon_backward(Numbers dOut, const float* weight, const int2* documents, Numbers dX, int length, int rows,
    int width) {
  ofReplica(dOut, weight, documents, dX);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  int row = i / width, c = i % width;
  int lags = min(LAGS - 1, documentOf(documents, row, length).y - 1 - row % length);
  Pack sum = load(dOut, i);
  for (int k = 0; k <= lags; k++) {
    Pack g = load(dOut, i + (Index)k * width), w = load(weight + k * width + c);
    for (int j = 0; j < VECTOR; j++) sum.x[j] += w.x[j] * g.x[j];
  }
  store(dX, i, sum);
}

// parts[blockIdx.y][k][c] = sum of dOut[r][c] x[r - k][c] over the block's stretch of rows. Blocks as in columns.cu, of single
// columns.
KERNEL void canon_weights(Numbers x, Numbers dOut, const int2* documents, float* parts, int length, int rows, int width,
    int stretch) {
  ofReplica(x, dOut, documents, parts);
  __shared__ float sums[HIGH][LAGS][32];
  int lane = threadIdx.x % 32, high = threadIdx.x / 32;
  int c = blockIdx.x * 32 + lane;
  int end = min(rows, (int)(blockIdx.y + 1) * stretch);
  float sum[LAGS] = {};
  if (c < width) {
    for (int row = blockIdx.y * stretch + high; row < end; row += HIGH) {
      int lags = min(LAGS - 1, row % length - documentOf(documents, row, length).x);
      Index i = (Index)row * width + c;
      float g = get(dOut, i);
      for (int k = 0; k < LAGS; k++) {
        if (k <= lags) sum[k] += g * get(x, i - (Index)k * width);
      }
    }
  }
  for (int k = 0; k < LAGS; k++) sums[high][k][lane] = sum[k];
  __syncthreads();
  if (high < LAGS && c < width) {
    float all = 0;
    for (int h = 0; h < HIGH; h++) all += sums[h][high][lane];
    parts[((Index)blockIdx.y * LAGS + high) * width + c] = all;
  }
}

// dWeight[i] += sum of parts[p][i] over p < count
KERNEL void sum_parts(const float* parts, float* dWeight, int count, int size) {
  ofReplica(parts, dWeight);
  int i = thread();
  if (i >= size) return;
  float sum = 0;
  for (int p = 0; p < count; p++) sum += parts[(Index)p * size + i];
  dWeight[i] += sum;
}
