// Mixtures of E experts, of which each has C places in each of W windows of T tokens. A token has n slots: one for each of
// the k experts it asks for, the likeliest first; or, where experts choose, one for each expert. What is seated has a row
// for every place, (e W + w) C + place, so that an expert's are together and of a number that is known beforehand; rows
// where nobody sits are zero, or what zero becomes. What a router decides stays where it is until its next step:
//   probabilities [R, E]; normalisers [R], ln of the sum of exp(logits); entropies [R]; asked [R, k], experts;
//   firsts [W, E], tokens that ask for each expert first;
//   gates [R, n]; seats [R, n], the row where a slot sits or -1; slots [E, W, C], the slot r n + i in a row or -1.

// A thread takes a token. Of equal logits the first expert is asked for. With `gates` it also settles what they come to: p,
// or with k above 1 p over the sum of those asked for.
KERNEL void ask(const float* logits, float* probabilities, float* normalisers, float* entropies, int* asked, float* gates,
    int rows, int experts, int topK) {
  ofReplica(logits, probabilities, normalisers, entropies, asked, gates);
  Index row = thread();
  if (row >= rows) return;
  const float* l = logits + row * experts;
  float* p = probabilities + row * experts;
  float largest = -INFINITE, sum = 0, entropy = 0;
  for (int e = 0; e < experts; e++) largest = fmaxf(largest, l[e]);
  for (int e = 0; e < experts; e++) sum += expf(l[e] - largest);
  float normaliser = largest + logf(sum);
  for (int e = 0; e < experts; e++) {
    p[e] = expf(l[e] - largest) / sum;
    entropy += p[e] * (normaliser - l[e]);
  }
  normalisers[row] = normaliser;
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
    asked[row * topK + i] = best;
    last = l[best], lastExpert = best;
    all += p[best];
  }
  if (!gates) return;
  for (int i = 0; i < topK; i++) gates[row * topK + i] = p[asked[row * topK + i]] / (topK == 1 ? 1 : all);
}

// A warp takes expert blockIdx.y in window blockIdx.x, and seats the tokens that ask for it in their order. A gate that
// rounds to zero takes a place, but nobody sits there.
KERNEL void seat_tokens(const int* asked, const float* gates, int* firsts, int* seats, int* slots, int windows, int length,
    int experts, int topK, int places) {
  ofReplica(asked, gates, firsts, seats, slots);
  int window = blockIdx.x, expert = blockIdx.y, lane = threadIdx.x;
  int base = (expert * windows + window) * places;
  int first = 0, taken = 0;
  for (int from = 0; from < length; from += 32) {
    int row = window * length + from + lane, slot = -1;
    if (from + lane < length) {
      for (int i = topK - 1; i >= 0; i--) {
        if (asked[row * topK + i] == expert) slot = row * topK + i;
      }
    }
    unsigned asking = __ballot_sync(EVERY_LANE, slot >= 0);
    first += __popc(__ballot_sync(EVERY_LANE, slot >= 0 && slot == row * topK));
    int place = taken + __popc(asking & ((1u << lane) - 1));
    bool sits = slot >= 0 && place < places && gates[slot] != 0;
    if (slot >= 0) seats[slot] = sits ? base + place : -1;
    if (slot >= 0 && place < places) slots[base + place] = sits ? slot : -1;
    taken += __popc(asking);
  }
  for (int place = taken + lane; place < places; place += 32) slots[base + place] = -1;
  if (lane == 0) firsts[window * experts + expert] = first;
}

// A warp takes expert blockIdx.y in window blockIdx.x, and seats the `places` tokens of largest p, of equal ones the first.
KERNEL void seat_chosen(const float* probabilities, const int* asked, int* firsts, float* gates, int* seats, int* slots,
    int windows, int length, int experts, int places) {
  ofReplica(probabilities, asked, firsts, gates, seats, slots);
  DYNAMIC_SHARED(column);
  int window = blockIdx.x, expert = blockIdx.y, lane = threadIdx.x;
  int base = (expert * windows + window) * places;
  Index start = (Index)window * length;
  for (int t = lane; t < length; t += 32) column[t] = probabilities[(start + t) * experts + expert];
  __syncthreads();
  int first = 0;
  for (int from = 0; from < length; from += 32) {
    int t = from + lane;
    first += __popc(__ballot_sync(EVERY_LANE, t < length && asked[start + t] == expert));
    if (t >= length) continue;
    float p = column[t];
    int rank = 0;
    for (int other = 0; other < length; other++) rank += column[other] > p || (column[other] == p && other < t);
    Index slot = (start + t) * experts + expert;
    bool sits = rank < places && p != 0;
    gates[slot] = p;
    seats[slot] = sits ? base + rank : -1;
    if (rank < places) slots[base + rank] = sits ? (int)slot : -1;
  }
  if (lane == 0) firsts[window * experts + expert] = first;
}

// Each row of x [R, d] to where it sits in out [E W C, d]. A thread takes VECTOR columns of a row.
KERNEL void dispatch(const int* slots, int perToken, Numbers x, Numbers out, Index count, int width) {
  ofReplica(slots, x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  int slot = slots[i / width];
  Pack p = {};
  if (slot >= 0) p = load(x, (Index)(slot / perToken) * width + i % width);
  store(out, i, p);
}

// out[r] = sum of the rows of x where token r sits, by its gates; without `gates` their plain sum, dispatch's gradient.
KERNEL void combine(const float* gates, const int* seats, int perToken, Numbers x, Numbers out, Index count, int width) {
  ofReplica(gates, seats, x, out);
  Index i = thread() * VECTOR;
  if (i >= count) return;
  Pack sum = {};
  for (Index slot = i / width * perToken, end = slot + perToken; slot < end; slot++) {
    if (seats[slot] < 0) continue;
    Pack p = load(x, (Index)seats[slot] * width + i % width);
    float gate = gates ? gates[slot] : 1;
    for (int k = 0; k < VECTOR; k++) sum.x[k] += gate * p.x[k];
  }
  store(out, i, sum);
}

// Where token r sits: dX = its gate times dOut[r], and the gate's gradient x dOut[r]. A warp takes a row of x.
KERNEL void combine_backward(const float* gates, const int* slots, int perToken, Numbers x, Numbers dOut, Numbers dX,
    float* dGates, int rows, int width) {
  ofReplica(gates, slots, x, dOut, dX, dGates);
  int lane = threadIdx.x % 32;
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  int slot = slots[row];
  float gate = slot < 0 ? 0 : gates[slot], product = 0;
  for (int c = lane * VECTOR; c < width; c += 32 * VECTOR) {
    Pack g = {};
    if (slot >= 0) {
      g = load(dOut, (Index)(slot / perToken) * width + c);
      Pack p = load(x, (Index)row * width + c);
      for (int k = 0; k < VECTOR; k++) {
        product += g.x[k] * p.x[k];
        g.x[k] *= gate;
      }
    }
    store(dX, (Index)row * width + c, g);
  }
  product = warpSum(product);
  if (lane == 0 && slot >= 0) dGates[slot] = product;
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

// dLogits = p (dP - sum of p dP + pull normaliser), where dP is balance times firsts, and what arrives from the gates. A gate is p:
// its gradient arrives as it is. With k above 1 it is p over a sum, and what arrives is (dG - sum of dG gate) / that sum, where dG is
// 0 for a slot that does not sit. A thread takes a token.
KERNEL void route_backward(const float* probabilities, const float* normalisers, const int* asked, const int* firsts,
    const float* gates, const int* seats, const float* dGates, float* dLogits, int rows, int length, int experts, int topK,
    int perToken, float balance, float pull) {
  ofReplica(probabilities, normalisers, asked, firsts, gates, seats, dGates, dLogits);
  Index row = thread();
  if (row >= rows) return;
  const float* p = probabilities + row * experts;
  float* d = dLogits + row * experts;
  for (int e = 0; e < experts; e++) d[e] = balance * firsts[row / length * experts + e];
  Index slot = row * perToken;
  float sum = 1, mean = 0;
  if (topK > 1) {
    sum = 0;
    for (int i = 0; i < topK; i++) {
      sum += p[asked[slot + i]];
      if (seats[slot + i] >= 0) mean += dGates[slot + i] * gates[slot + i];
    }
  }
  for (int i = 0; i < perToken; i++) {
    int expert = perToken == topK ? asked[slot + i] : i;
    d[expert] += ((seats[slot + i] >= 0 ? dGates[slot + i] : 0) - mean) / sum;
  }
  mean = 0;
  for (int e = 0; e < experts; e++) mean += p[e] * d[e];
  for (int e = 0; e < experts; e++) d[e] = p[e] * (d[e] - mean + pull * normalisers[row]);
}

// Of window blockIdx.x, sums [4 + E]: entropies; normalisers squared; slots without a seat, or where experts choose tokens without
// one; firsts times probabilities; and what each expert's load counts: tokens that ask for it, or that it took. Blocks have 128 threads.
KERNEL void routing_sums(const float* probabilities, const float* normalisers, const float* entropies, const int* asked,
    const int* firsts, const int* seats, double* sums, int length, int experts, int topK, int perToken, int choosing) {
  ofReplica(probabilities, normalisers, entropies, asked, firsts, seats, sums);
  __shared__ double parts[4][128];
  Index start = (Index)blockIdx.x * length;
  double* to = sums + (Index)blockIdx.x * (4 + experts);
  double entropy = 0, square = 0, lost = 0, balance = 0;
  for (Index row = start + threadIdx.x; row < start + length; row += blockDim.x) {
    int seated = 0;
    for (int i = 0; i < perToken; i++) seated += seats[row * perToken + i] >= 0;
    entropy += entropies[row];
    square += (double)normalisers[row] * normalisers[row];
    lost += choosing ? seated == 0 : topK - seated;
  }
  for (int e = threadIdx.x; e < experts; e += blockDim.x) {
    double sum = 0;
    int load = 0;
    for (Index row = start; row < start + length; row++) {
      sum += probabilities[row * experts + e];
      if (choosing) load += seats[row * perToken + e] >= 0;
      for (int i = 0; i < topK && !choosing; i++) load += asked[row * topK + i] == e;
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
