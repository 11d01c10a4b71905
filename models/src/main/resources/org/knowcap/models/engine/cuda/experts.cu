// Mixtures of E experts. Each expert has C slots (its capacity) in each of W windows of T tokens. A token has n pairs with
// experts: where tokens choose, one for each of the k most likely experts, in this order; where experts choose, one for each
// expert. Slot s of expert e in window w is row (e W + w) C + s of what goes through the experts: the rows of an expert lie
// together, and their number is known beforehand. Rows of empty slots are zero, or what zero becomes. The router's results
// stay until its next step:
//   probabilities [R, E]; logSumExp [R], ln of the sum of exp(logits); entropies [R]; choices [R, k], experts;
//   firsts [W, E], the number of tokens whose first choice is this expert;
//   weights [R, n], routing weights; slots [R, n], the row of each pair's slot or -1; pairs [E, W, C], the pair r n + i in a slot
//   or -1.

// Softmax of the logits, and the k most likely experts of each token, a thread each. Among equal logits the first expert comes
// first. With `weights` also the routing weights: p, or with k above 1 p over the sum of the k chosen ones.
KERNEL void softmax_top_k(const float* logits, float* probabilities, float* logSumExp, float* entropies, int* choices, float* weights,
    int rows, int experts, int topK) {
  ofReplica(logits, probabilities, logSumExp, entropies, choices, weights);
  Index row = thread();
  if (row >= rows) return;
  const float* l = logits + row * experts;
  float* p = probabilities + row * experts;
  float largest = -INFINITE, sum = 0, entropy = 0;
  for (int e = 0; e < experts; e++) largest = fmaxf(largest, l[e]);
  for (int e = 0; e < experts; e++) sum += expf(l[e] - largest);
  float logSum = largest + logf(sum);
  for (int e = 0; e < experts; e++) {
    p[e] = expf(l[e] - largest) / sum;
    entropy += p[e] * (logSum - l[e]);
  }
  logSumExp[row] = logSum;
  entropies[row] = entropy;
  // Each is the largest behind the last one in the order of logits.
  float last = INFINITE, all = 0;
  for (int i = 0, lastExpert = -1; i < topK; i++) {
    int best = -1;
    for (int e = 0; e < experts; e++) {
      bool behind = l[e] < last || (l[e] == last && e > lastExpert);
      if (behind && (best < 0 || l[e] > l[best])) best = e;
    }
    // Where logits are no numbers there is no order, but still there must be experts.
    if (best < 0) best = i;
    choices[row * topK + i] = best;
    last = l[best], lastExpert = best;
    all += p[best];
  }
  if (!weights) return;
  for (int i = 0; i < topK; i++) weights[row * topK + i] = p[choices[row * topK + i]] / (topK == 1 ? 1 : all);
}

// Tokens choose. A warp takes expert blockIdx.y in window blockIdx.x, and gives its slots to the tokens that choose it, in their
// order. A pair whose weight rounds to zero uses up a slot, which stays empty.
KERNEL void token_choice(const int* choices, const float* weights, int* firsts, int* slots, int* pairs, int windows, int length,
    int experts, int topK, int capacity) {
  ofReplica(choices, weights, firsts, slots, pairs);
  int window = blockIdx.x, expert = blockIdx.y, lane = threadIdx.x;
  int base = (expert * windows + window) * capacity;
  int first = 0, taken = 0;
  for (int from = 0; from < length; from += 32) {
    int row = window * length + from + lane, pair = -1;
    if (from + lane < length) {
      for (int i = topK - 1; i >= 0; i--) {
        if (choices[row * topK + i] == expert) pair = row * topK + i;
      }
    }
    unsigned asking = __ballot_sync(EVERY_LANE, pair >= 0);
    first += __popc(__ballot_sync(EVERY_LANE, pair >= 0 && pair == row * topK));
    int rank = taken + __popc(asking & ((1u << lane) - 1));
    bool assigned = pair >= 0 && rank < capacity && weights[pair] != 0;
    if (pair >= 0) slots[pair] = assigned ? base + rank : -1;
    if (pair >= 0 && rank < capacity) pairs[base + rank] = assigned ? pair : -1;
    taken += __popc(asking);
  }
  for (int rank = taken + lane; rank < capacity; rank += 32) pairs[base + rank] = -1;
  if (lane == 0) firsts[window * experts + expert] = first;
}

// Experts choose. A warp takes expert blockIdx.y in window blockIdx.x, and gives its slots to the tokens of largest p, among equal
// ones to the first.
KERNEL void expert_choice(const float* probabilities, const int* choices, int* firsts, float* weights, int* slots, int* pairs,
    int windows, int length, int experts, int capacity) {
  ofReplica(probabilities, choices, firsts, weights, slots, pairs);
  DYNAMIC_SHARED(column);
  int window = blockIdx.x, expert = blockIdx.y, lane = threadIdx.x;
  int base = (expert * windows + window) * capacity;
  Index start = (Index)window * length;
  for (int t = lane; t < length; t += 32) column[t] = probabilities[(start + t) * experts + expert];
  __syncthreads();
  int first = 0;
  for (int from = 0; from < length; from += 32) {
    int t = from + lane;
    first += __popc(__ballot_sync(EVERY_LANE, t < length && choices[start + t] == expert));
    if (t >= length) continue;
    float p = column[t];
    int rank = 0;
    for (int other = 0; other < length; other++) rank += column[other] > p || (column[other] == p && other < t);
    Index pair = (start + t) * experts + expert;
    bool assigned = rank < capacity && p != 0;
    weights[pair] = p;
    slots[pair] = assigned ? base + rank : -1;
    if (rank < capacity) pairs[base + rank] = assigned ? (int)pair : -1;
  }
  if (lane == 0) firsts[window * experts + expert] = first;
}

// Copies each row of x [R, d] to its slots in out [E W C, d]. A thread takes VECTOR columns of a row.
KERNEL void dispatch(const int* pairs, int perToken, Numbers x, Numbers out, Index count, int width) {
  ofReplica(pairs, x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  int pair = pairs[i / width];
  Pack p = {};
  if (pair >= 0) p = load(x, (Index)(pair / perToken) * width + i % width);
  store(out, i, p);
}

// out[r] = weighted sum of the rows of x in the slots of token r; without `weights` their plain sum, dispatch's gradient.
KERNEL void combine(const float* weights, const int* slots, int perToken, Numbers x, Numbers out, Index count, int width) {
  ofReplica(weights, slots, x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack sum = {};
  for (Index pair = i / width * perToken, end = pair + perToken; pair < end; pair++) {
    if (slots[pair] < 0) continue;
    Pack p = load(x, (Index)slots[pair] * width + i % width);
    float weight = weights ? weights[pair] : 1;
    for (int k = 0; k < VECTOR; k++) sum.x[k] += weight * p.x[k];
  }
  store(out, i, sum);
}

// In the slot of a pair of token r: dX = weight dOut[r], and dWeight = x . dOut[r]. A warp takes a row of x, which is a slot.
KERNEL void combine_backward(const float* weights, const int* pairs, int perToken, Numbers x, Numbers dOut, Numbers dX,
    float* dWeights, int rows, int width) {
  ofReplica(weights, pairs, x, dOut, dX, dWeights);
  int lane = threadIdx.x % 32;
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  int pair = pairs[row];
  float weight = pair < 0 ? 0 : weights[pair], product = 0;
  for (int c = lane * VECTOR; c < width; c += 32 * VECTOR) {
    Pack g = {};
    if (pair >= 0) {
      g = load(dOut, (Index)(pair / perToken) * width + c);
      Pack p = load(x, (Index)row * width + c);
      for (int k = 0; k < VECTOR; k++) {
        product += g.x[k] * p.x[k];
        g.x[k] *= weight;
      }
    }
    store(dX, (Index)row * width + c, g);
  }
  product = warpSum(product);
  if (lane == 0 && pair >= 0) dWeights[pair] = product;
}

// dBias[e][c] += sum over the rows of expert e = blockIdx.y of x[r][c]; blocks as in columns.cu.
KERNEL void expert_columns(Numbers x, float* dBias, int rows, int columns) {
  ofReplica(x, dBias);
  __shared__ float sums[HIGH][32 * VECTOR];
  int lane = threadIdx.x % 32, high = threadIdx.x / 32;
  int c = (blockIdx.x * 32 + lane) * VECTOR;
  Pack sum = {};
  if (c < columns) {
    for (int r = high; r < rows; r += HIGH) {
      Pack p = load(x, ((Index)blockIdx.y * rows + r) * columns + c);
      for (int k = 0; k < VECTOR; k++) sum.x[k] += p.x[k];
    }
  }
  for (int k = 0; k < VECTOR; k++) sums[high][lane * VECTOR + k] = sum.x[k];
  __syncthreads();
  if (high == 0 && c < columns) {
    float* to = dBias + (Index)blockIdx.y * columns + c;
    for (int h = 1; h < HIGH; h++) {
      for (int k = 0; k < VECTOR; k++) sum.x[k] += sums[h][lane * VECTOR + k];
    }
    for (int k = 0; k < VECTOR; k++) to[k] += sum.x[k];
  }
}

// dLogits = p (dP - sum of p dP + pull logSumExp), where dP is balance times firsts plus the gradient through the routing weights. A
// weight is p, so its gradient dW adds to dP. With k above 1 it is p over a sum, and (dW - sum of dW weight) / that sum is added, where
// dW is 0 for a pair without a slot. A thread takes a token.
KERNEL void route_backward(const float* probabilities, const float* logSumExp, const int* choices, const int* firsts,
    const float* weights, const int* slots, const float* dWeights, float* dLogits, int rows, int length, int experts, int topK,
    int perToken, float balance, float pull) {
  ofReplica(probabilities, logSumExp, choices, firsts, weights, slots, dWeights, dLogits);
  Index row = thread();
  if (row >= rows) return;
  const float* p = probabilities + row * experts;
  float* d = dLogits + row * experts;
  for (int e = 0; e < experts; e++) d[e] = balance * firsts[row / length * experts + e];
  Index pair = row * perToken;
  float sum = 1, mean = 0;
  if (topK > 1) {
    sum = 0;
    for (int i = 0; i < topK; i++) {
      sum += p[choices[pair + i]];
      if (slots[pair + i] >= 0) mean += dWeights[pair + i] * weights[pair + i];
    }
  }
  for (int i = 0; i < perToken; i++) {
    int expert = perToken == topK ? choices[pair + i] : i;
    d[expert] += ((slots[pair + i] >= 0 ? dWeights[pair + i] : 0) - mean) / sum;
  }
  mean = 0;
  for (int e = 0; e < experts; e++) mean += p[e] * d[e];
  for (int e = 0; e < experts; e++) d[e] = p[e] * (d[e] - mean + pull * logSumExp[row]);
}

// Of window blockIdx.x, sums [4 + E]: entropies; logSumExp squared; pairs without a slot, or where experts choose tokens without
// one; firsts times probabilities; and each expert's load: tokens that choose it, or that it chose. Blocks have 128 threads.
KERNEL void routing_sums(const float* probabilities, const float* logSumExp, const float* entropies, const int* choices,
    const int* firsts, const int* slots, double* sums, int length, int experts, int topK, int perToken, int choosing) {
  ofReplica(probabilities, logSumExp, entropies, choices, firsts, slots, sums);
  __shared__ double parts[4][128];
  Index start = (Index)blockIdx.x * length;
  double* to = sums + (Index)blockIdx.x * (4 + experts);
  double entropy = 0, square = 0, lost = 0, balance = 0;
  for (Index row = start + threadIdx.x; row < start + length; row += blockDim.x) {
    int slotted = 0;
    for (int i = 0; i < perToken; i++) slotted += slots[row * perToken + i] >= 0;
    entropy += entropies[row];
    square += (double)logSumExp[row] * logSumExp[row];
    lost += choosing ? slotted == 0 : topK - slotted;
  }
  for (int e = threadIdx.x; e < experts; e += blockDim.x) {
    double sum = 0;
    int load = 0;
    for (Index row = start; row < start + length; row++) {
      sum += probabilities[row * experts + e];
      if (choosing) load += slots[row * perToken + e] >= 0;
      for (int i = 0; i < topK && !choosing; i++) load += choices[row * topK + i] == e;
    }
    balance += firsts[blockIdx.x * experts + e] * sum;
    to[4 + e] = load;
  }
  parts[0][threadIdx.x] = entropy, parts[1][threadIdx.x] = square;
  parts[2][threadIdx.x] = lost, parts[3][threadIdx.x] = balance;
  __syncthreads();
  if (threadIdx.x < 4) {
    double sum = 0;
    for (int i = 0; i < 128; i++) sum += parts[threadIdx.x][i];
    to[threadIdx.x] = sum;
  }
}
