// What changes from step to step.
struct StepScalars {
  float rate;        // the learning rate, of AdamW times its first moment's correction for its start at zero
  float correction;  // of the root of AdamW's second moment, for its start at zero
  float own;         // of Adafactor b, of Muon the learning rate
  float keep[3];     // 1 - rate * weight decay, of embeddings, matrices and vectors
  int counted;       // targets of the step that count
  float share;       // one over that
};

// 16 bytes of a row of logits.
#define PER_CHUNK (16 / (int)sizeof(Element))
// Chunks of the row that a thread keeps in registers; it reads the others again.
#define KEPT 2

struct Chunk {
  float x[PER_CHUNK];
};

// Logits from column c on, less than any number beyond the vocabulary.
DEVICE Chunk chunk(const Element* row, int c, int vocabulary) {
  Chunk chunk;
  if (c < vocabulary) {
#if BF16
    uint4 v = *(const uint4*)(row + c);
    unsigned pairs[4] = {v.x, v.y, v.z, v.w};
    for (int i = 0; i < 4; i++) {
      chunk.x[2 * i] = __uint_as_float(pairs[i] << 16);
      chunk.x[2 * i + 1] = __uint_as_float(pairs[i] & 0xffff0000u);
    }
#else
    float4 v = *(const float4*)(row + c);
    chunk.x[0] = v.x, chunk.x[1] = v.y, chunk.x[2] = v.z, chunk.x[3] = v.w;
#endif
  }
  for (int k = 0; k < PER_CHUNK; k++) {
    if (c + k >= vocabulary) chunk.x[k] = -INFINITE;
  }
  return chunk;
}

DEVICE void put(Element* row, int c, Chunk chunk) {
#if BF16
  unsigned pairs[4];
  for (int i = 0; i < 4; i++) pairs[i] = toBf16Pair(chunk.x[2 * i], chunk.x[2 * i + 1]);
  *(uint4*)(row + c) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
#else
  *(float4*)(row + c) = make_float4(chunk.x[0], chunk.x[1], chunk.x[2], chunk.x[3]);
#endif
}

DEVICE float largestOf(Chunk chunk) {
  float largest = chunk.x[0];
  for (int k = 1; k < PER_CHUNK; k++) largest = fmaxf(largest, chunk.x[k]);
  return largest;
}

// exp(x - top)
DEVICE Chunk weightsOf(Chunk chunk, float top) {
  for (int k = 0; k < PER_CHUNK; k++) chunk.x[k] = exp2Approximate((chunk.x[k] - top) * LOG2_E);
  return chunk;
}

DEVICE float sumOf(Chunk chunk) {
  float sum = 0;
  for (int k = 0; k < PER_CHUNK; k++) sum += chunk.x[k];
  return sum;
}

// losses[r] = -ln softmax(logits[r])[targets[r]], in nats; 0 where the target is below 0. In training the logits become their
// gradient where they are: (softmax(logits[r]) - onehot(targets[r])) share, or 0 where there is no target; zeros between the vocabulary and the stride, a multiple of 16 bytes.
// A block takes a row and reads it once, where its threads can keep it. Each warp's weights are in parts of its own largest.
KERNEL_OF(416, 3) void loss(Element* logits, const int* targets, float* losses, int vocabulary, int stride, const StepScalars* stepScalars, int training) {
  ofReplica(logits, targets, losses, stepScalars);
  __shared__ float tops[32], sums[32];
  Element* row = logits + (Index)blockIdx.x * stride;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  int first = threadIdx.x * PER_CHUNK, step = blockDim.x * PER_CHUNK, rest = first + KEPT * step;
  int target = targets[blockIdx.x];
  bool counts = target >= 0;
  float score = counts ? toFloat(row[target]) : 0, top = -INFINITE;
  Chunk kept[KEPT];
#pragma unroll
  for (int j = 0; j < KEPT; j++) kept[j] = chunk(row, first + j * step, vocabulary);
#pragma unroll
  for (int j = 0; j < KEPT; j++) top = fmaxf(top, largestOf(kept[j]));
  for (int c = rest; c < vocabulary; c += step) top = fmaxf(top, largestOf(chunk(row, c, vocabulary)));
  top = warpMax(top);
  // Nothing of the row may be this warp's.
  float base = top == -INFINITE ? 0 : top, sum = 0;
#pragma unroll
  for (int j = 0; j < KEPT; j++) {
    kept[j] = weightsOf(kept[j], base);
    sum += sumOf(kept[j]);
  }
  for (int c = rest; c < vocabulary; c += step) sum += sumOf(weightsOf(chunk(row, c, vocabulary), base));
  sum = warpSum(sum);
  if (lane == 0) tops[warp] = top, sums[warp] = sum;
  __syncthreads();
  float largest = tops[0];
  for (int w = 1; w < warps; w++) largest = fmaxf(largest, tops[w]);
  sum = 0;
  for (int w = 0; w < warps; w++) sum += sums[w] * exp2Approximate((tops[w] - largest) * LOG2_E);
  if (threadIdx.x == 0) losses[blockIdx.x] = counts ? logf(sum) + largest - score : 0;
  if (training) {
    float share = counts ? stepScalars->share : 0;
    float factor = share / sum * exp2Approximate((base - largest) * LOG2_E);
    auto write = [&](Chunk weights, int c) {
      for (int k = 0; k < PER_CHUNK; k++) weights.x[k] = weights.x[k] * factor - (c + k == target ? share : 0);
      put(row, c, weights);
    };
#pragma unroll
    for (int j = 0; j < KEPT; j++) {
      if (first + j * step < vocabulary) write(kept[j], first + j * step);
    }
    for (int c = rest; c < vocabulary; c += step) write(weightsOf(chunk(row, c, vocabulary), base), c);
  }
}

// predictions[r] = the column of the largest of logits[r], the first of several. A warp takes a row.
KERNEL_OF(32, 1) void predict(const Element* logits, int* predictions, int vocabulary, int stride) {
  ofReplica(logits, predictions);
  const Element* row = logits + (Index)blockIdx.x * stride;
  float top = -INFINITE;
  int best = vocabulary - 1;
  for (int c = threadIdx.x; c < vocabulary; c += 32) {
    float x = toFloat(row[c]);
    if (x > top) top = x, best = c;
  }
  float largest = warpMax(top);
  // Columns are whole numbers that a float holds exactly.
  best = (int)-warpMax(top == largest ? -(float)best : -(float)vocabulary);
  if (threadIdx.x == 0) predictions[blockIdx.x] = best < vocabulary ? best : vocabulary - 1;
}

// The mean loss of a step of stepScalars->counted targets, whose batches come one after the other: total += sum of x; at the last of them
// out is the mean, and total is zero again. Each block leaves its sum among `parts`, and the block that is done last, which
// `done` tells, adds these up in their order: whichever it is, the result has the same bits. `done` is zero before and after.
KERNEL_OF(256, 4) void mean(const float* x, double* total, double* out, double* parts, unsigned* done, const StepScalars* stepScalars, int count, int last) {
  ofReplica(x, total, out, parts, done, stepScalars);
  __shared__ bool isLast;
  double sum = 0;
  Index at = thread(), step = (Index)gridDim.x * blockDim.x;
  for (Index i = at * 4; i < count - 3; i += step * 4) {
    float4 v = *(const float4*)(x + i);
    sum += ((double)v.x + v.y) + ((double)v.z + v.w);
  }
  Index i = count / 4 * 4 + at;
  if (i < count) sum += x[i];
  sum = blockSum(sum);
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = sum;
    __threadfence();
    isLast = atomicInc(done, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!isLast) return;
  __threadfence();
  sum = blockSum(threadIdx.x < gridDim.x ? ((volatile double*)parts)[threadIdx.x] : 0);
  if (threadIdx.x == 0) {
    sum += *total;
    *total = last ? 0 : sum;
    if (last) *out = sum / stepScalars->counted;
  }
}
