// Linear attention with gates, and the gated norm behind it: org.knowcap.models.program.Recurrence and GatedNorm. A block has one
// head of one window, and goes through it by chunks of up to TOKENS tokens, which end where documents end. Within a chunk let G be
// the sums of the logarithms of decays, m that of a token in the middle, and S the state before it times e^m. With
// q = query e^(G-m) / sqrt(keys), p = key e^(G-m) and k = key e^(m-G) the chunk is one without decays:
//   u = v, or under the delta rule u = strength (v - p S - lower(p k^T) u), row after row
//   out = q S + (lower(q k^T) with its diagonal) u
//   state behind it = e^(G_last - m) (S + k^T u)
// `strengths` and `rates` are null without the delta rule.
#define TOKENS 16
#define LEAST_LOG_DECAY -5.0f
#define DECAY_TEMPERATURE 16.0f
#define LENGTH_EPSILON 1e-6f

DEVICE float softplus(float x) { return fmaxf(x, 0) + logf(1 + expf(-fabsf(x))); }
DEVICE float sigmoid(float x) { return 1 / (1 + expf(-x)); }

// What a block computes with; all but the first line in shared memory.
struct Recurrence {
  Numbers qkv; const float* decays; const float* strengths; float rate; const int2* documents;
  int length, heads, head, keys, values;
  Index first;  // row of the window
  float* state;  // [keys, values]
  float* u;      // [TOKENS, values]
  float* error;  // [TOKENS, values], of the delta rule: what the state lacks of the values
  float* q;      // [TOKENS, keys], and the next three
  float* p;
  float* k;
  float* g;
  float* qk;  // [TOKENS, TOKENS], and the next
  float* pk;
  float* strength;  // [TOKENS], and the next two: one over the length of queries and keys
  float* overQuery;
  float* overKey;
  int from, count;  // tokens of the chunk
  bool continues;   // whether its document begins before it

  METHOD float* begin(float* shared) {
    state = shared, u = state + keys * values, error = u + TOKENS * values;
    q = error + TOKENS * values, p = q + TOKENS * keys, k = p + TOKENS * keys, g = k + TOKENS * keys;
    qk = g + TOKENS * keys, pk = qk + TOKENS * TOKENS;
    strength = pk + TOKENS * TOKENS, overQuery = strength + TOKENS, overKey = overQuery + TOKENS;
    return overKey + TOKENS;
  }

  METHOD bool delta() { return strengths != nullptr; }
  METHOD int columns() { return heads * (2 * keys + values); }
  METHOD Index query(int t) { return (first + t) * columns() + head * keys; }
  METHOD Index key(int t) { return query(t) + heads * keys; }
  METHOD Index value(int t) { return (first + t) * columns() + 2 * heads * keys + head * values; }
  METHOD Index decay(int t, int i) {
    return delta() ? (first + t) * heads + head : ((first + t) * heads + head) * keys + i;
  }

  // ln a before it is bounded.
  METHOD float logDecay(int t, int i) {
    float z = decays[decay(t, i)];
    return delta() ? -rate * softplus(z) : -softplus(-z) / DECAY_TEMPERATURE;
  }

  // The chunk that begins at a token.
  METHOD void chunk(int t) {
    int2 document = documents ? documents[first + t] : make_int2(0, length);
    from = t;
    count = min(TOKENS, document.y - t);
    continues = document.x < t;
  }

  METHOD int middle() { return (count - 1) / 2; }
  METHOD float fromMiddle(int r, int i) { return g[r * keys + i] - g[middle() * keys + i]; }

  // Everything of a chunk but its result, from the state before it.
  METHOD void open() {
    for (int i = threadIdx.x; i < TOKENS * keys; i += blockDim.x) {
      int r = i / keys, c = i % keys;
      bool there = r < count;
      q[i] = there ? get(qkv, query(from + r) + c) : 0;
      k[i] = there ? get(qkv, key(from + r) + c) : 0;
      g[i] = there ? fmaxf(logDecay(from + r, c), LEAST_LOG_DECAY) : 0;
    }
    __syncthreads();
    for (int c = threadIdx.x; c < keys; c += blockDim.x) {
      for (int r = 1; r < count; r++) g[r * keys + c] += g[(r - 1) * keys + c];
    }
    for (int r = threadIdx.x; r < TOKENS; r += blockDim.x) {
      float queries = LENGTH_EPSILON, keysSum = LENGTH_EPSILON;
      for (int c = 0; delta() && c < keys; c++) {
        queries += q[r * keys + c] * q[r * keys + c];
        keysSum += k[r * keys + c] * k[r * keys + c];
      }
      overQuery[r] = delta() ? 1 / sqrtf(queries) : 1;
      overKey[r] = delta() ? 1 / sqrtf(keysSum) : 1;
      strength[r] = delta() && r < count ? sigmoid(strengths[(first + from + r) * heads + head]) : 1;
    }
    __syncthreads();
    float scale = 1 / sqrtf((float)keys);
    for (int i = threadIdx.x; i < TOKENS * keys; i += blockDim.x) {
      int r = i / keys, c = i % keys;
      float up = r < count ? expf(fromMiddle(r, c)) : 0, down = r < count ? expf(-fromMiddle(r, c)) : 0;
      q[i] *= overQuery[r] * scale * up;
      p[i] = k[i] * overKey[r] * up;
      k[i] *= overKey[r] * down;
    }
    for (int i = threadIdx.x; i < keys * values; i += blockDim.x) {
      state[i] = continues ? state[i] * expf(g[middle() * keys + i / values]) : 0;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TOKENS * TOKENS; i += blockDim.x) {
      int r = i / TOKENS, s = i % TOKENS;
      float withQuery = 0, withKey = 0;
      for (int c = 0; s <= r && c < keys; c++) {
        withQuery += q[r * keys + c] * k[s * keys + c];
        withKey += p[r * keys + c] * k[s * keys + c];
      }
      qk[i] = withQuery;
      pk[i] = s < r ? withKey : 0;
    }
    __syncthreads();
    for (int j = threadIdx.x; j < values; j += blockDim.x) {
      for (int r = 0; r < TOKENS; r++) {
        float lacks = r < count ? get(qkv, value(from + r) + j) : 0;
        for (int i = 0; delta() && i < keys; i++) lacks -= p[r * keys + i] * state[i * values + j];
        for (int s = 0; delta() && s < r; s++) lacks -= pk[r * TOKENS + s] * u[s * values + j];
        error[r * values + j] = lacks;
        u[r * values + j] = strength[r] * lacks;
      }
    }
    __syncthreads();
  }

  // The state behind the chunk.
  METHOD void close() {
    for (int i = threadIdx.x; i < keys * values; i += blockDim.x) {
      int key = i / values, j = i % values;
      float sum = state[i];
      for (int s = 0; s < count; s++) sum += k[s * keys + key] * u[s * values + j];
      state[i] = sum * expf(fromMiddle(count - 1, key));
    }
    __syncthreads();
  }
};

DEVICE Recurrence recurrenceOf(Numbers qkv, const float* decays, const float* strengths, const float* rates,
    const int2* documents, int length, int heads, int keys, int values) {
  Recurrence r = {};
  r.qkv = qkv, r.decays = decays, r.strengths = strengths, r.documents = documents;
  r.length = length, r.heads = heads, r.head = blockIdx.x % heads, r.keys = keys, r.values = values;
  r.first = (Index)(blockIdx.x / heads) * length;
  r.rate = rates ? expf(rates[r.head]) : 0;
  return r;
}

KERNEL void recurrence(Numbers qkv, const float* decays, const float* strengths, const float* rates, const int2* documents,
    Numbers out, int length, int heads, int keys, int values) {
  ofReplica(qkv, decays, strengths, rates, documents, out);
  DYNAMIC_SHARED(shared);
  Recurrence c = recurrenceOf(qkv, decays, strengths, rates, documents, length, heads, keys, values);
  c.begin(shared);
  for (int t = 0; t < length; t += c.count) {
    c.chunk(t);
    c.open();
    for (int i = threadIdx.x; i < c.count * values; i += blockDim.x) {
      int r = i / values, j = i % values;
      float sum = 0;
      for (int key = 0; key < keys; key++) sum += c.q[r * keys + key] * c.state[key * values + j];
      for (int s = 0; s <= r; s++) sum += c.qk[r * TOKENS + s] * c.u[s * values + j];
      put(out, ((c.first + t + r) * heads + c.head) * values + j, sum);
    }
    __syncthreads();
    c.close();
  }
}

// First the states before the chunks that continue a document, to `states` [blocks, most, keys, values]; then the chunks from
// the last to the first. rateParts [windows, heads] gets the gradient of each rate by window.
KERNEL void recurrence_backward(Numbers qkv, const float* decays, const float* strengths, const float* rates,
    const int2* documents, Numbers dOut, Numbers dQkv, float* dDecays, float* dStrengths, float* rateParts, float* states,
    int length, int heads, int keys, int values, int most) {
  ofReplica(qkv, decays, strengths, rates, documents, dOut, dQkv, dDecays, dStrengths, rateParts, states);
  DYNAMIC_SHARED(shared);
  Recurrence c = recurrenceOf(qkv, decays, strengths, rates, documents, length, heads, keys, values);
  float* dState = c.begin(shared);
  float* dO = dState + keys * values;      // [TOKENS, values]
  float* dError = dO + TOKENS * values;     // [TOKENS, values]: of what the state lacks, less than zero
  float* dQ = dError + TOKENS * values;     // [TOKENS, keys], and the next three
  float* dP = dQ + TOKENS * keys;
  float* dK = dP + TOKENS * keys;
  float* dG = dK + TOKENS * keys;
  float* dQk = dG + TOKENS * keys;          // [TOKENS, TOKENS], and the next
  float* dPk = dQk + TOKENS * TOKENS;
  float* dLast = dPk + TOKENS * TOKENS;      // [keys]
  float* dRate = dLast + keys;             // [TOKENS]
  int size = keys * values;
  states += (Index)blockIdx.x * most * size;
  int stored = 0, last = 0;
  for (int t = 0; t < length; t += c.count) {
    c.chunk(t);
    last = t;
    if (c.continues) {
      for (int i = threadIdx.x; i < size; i += blockDim.x) states[stored * size + i] = c.state[i];
      stored++;
      __syncthreads();
    }
    c.open();
    c.close();
  }
  for (int i = threadIdx.x; i < size; i += blockDim.x) dState[i] = 0;
  for (int r = threadIdx.x; r < TOKENS; r += blockDim.x) dRate[r] = 0;
  float scale = 1 / sqrtf((float)keys);
  bool followed = false;
  for (int t = last;;) {
    __syncthreads();
    c.chunk(t);
    // By way of the state behind the chunk, which the next one kept.
    for (int i = threadIdx.x; i < keys; i += blockDim.x) {
      float sum = 0;
      for (int j = 0; followed && j < values; j++) sum += states[stored * size + i * values + j] * dState[i * values + j];
      dLast[i] = sum;
    }
    if (c.continues) {
      stored--;
      for (int i = threadIdx.x; i < size; i += blockDim.x) c.state[i] = states[stored * size + i];
    }
    __syncthreads();
    c.open();
    for (int i = threadIdx.x; i < size; i += blockDim.x) dState[i] *= expf(c.fromMiddle(c.count - 1, i / values));
    for (int i = threadIdx.x; i < TOKENS * values; i += blockDim.x) {
      int r = i / values;
      dO[i] = r < c.count ? get(dOut, ((c.first + t + r) * heads + c.head) * values + i % values) : 0;
    }
    __syncthreads();
    for (int j = threadIdx.x; j < values; j += blockDim.x) {
      for (int s = TOKENS - 1; s >= 0; s--) {
        float sum = 0;
        for (int r = s; r < c.count; r++) sum += c.qk[r * TOKENS + s] * dO[r * values + j];
        for (int i = 0; i < keys; i++) sum += c.k[s * keys + i] * dState[i * values + j];
        for (int r = s + 1; r < c.count; r++) sum += c.pk[r * TOKENS + s] * dError[r * values + j];
        float dV = c.strength[s] * sum;
        dError[s * values + j] = c.delta() && s < c.count ? -dV : 0;
        c.error[s * values + j] *= sum;
        if (s < c.count) put(dQkv, c.value(t + s) + j, dV);
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TOKENS * TOKENS; i += blockDim.x) {
      int r = i / TOKENS, s = i % TOKENS;
      float withQuery = 0, withKey = 0;
      for (int j = 0; s <= r && j < values; j++) {
        withQuery += dO[r * values + j] * c.u[s * values + j];
        withKey += dError[r * values + j] * c.u[s * values + j];
      }
      dQk[i] = withQuery;
      dPk[i] = s < r ? withKey : 0;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < TOKENS * keys; i += blockDim.x) {
      int r = i / keys, key = i % keys;
      float ofQ = 0, ofP = 0, ofK = 0;
      for (int j = 0; j < values; j++) {
        ofQ += c.state[key * values + j] * dO[r * values + j];
        ofP += c.state[key * values + j] * dError[r * values + j];
        ofK += dState[key * values + j] * c.u[r * values + j];
      }
      for (int s = 0; s < TOKENS; s++) {
        ofQ += dQk[r * TOKENS + s] * c.k[s * keys + key];
        ofP += dPk[r * TOKENS + s] * c.k[s * keys + key];
        ofK += dQk[s * TOKENS + r] * c.q[s * keys + key] + dPk[s * TOKENS + r] * c.p[s * keys + key];
      }
      dQ[i] = ofQ, dP[i] = ofP, dK[i] = ofK;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
      int key = i / values, j = i % values;
      float sum = dState[i];
      for (int r = 0; r < c.count; r++) {
        sum += c.q[r * keys + key] * dO[r * values + j] + c.p[r * keys + key] * dError[r * values + j];
      }
      dState[i] = c.continues ? sum * expf(c.g[c.middle() * keys + key]) : 0;
    }
    for (int key = threadIdx.x; key < keys; key += blockDim.x) {
      float sum = dLast[key];
      for (int r = c.count - 1; r >= 0; r--) {
        int i = r * keys + key;
        float up = expf(c.fromMiddle(r, key)), down = expf(-c.fromMiddle(r, key));
        sum += c.q[i] * dQ[i] + c.p[i] * dP[i] - c.k[i] * dK[i];
        dG[i] = sum;
        dQ[i] *= scale * up;
        dK[i] = dK[i] * down + dP[i] * up;
      }
    }
    __syncthreads();
    if (!c.delta()) {
      for (int i = threadIdx.x; i < c.count * keys; i += blockDim.x) {
        int r = i / keys, key = i % keys;
        Index at = c.decay(t + r, key);
        bool bounded = c.logDecay(t + r, key) <= LEAST_LOG_DECAY;
        dDecays[at] = bounded ? 0 : dG[i] * sigmoid(-decays[at]) / DECAY_TEMPERATURE;
      }
    } else {
      for (int r = threadIdx.x; r < c.count; r += blockDim.x) {
        float alongQuery = 0, alongKey = 0, dLog = 0, dStrength = 0;
        for (int key = 0; key < keys; key++) {
          dLog += dG[r * keys + key];
          alongQuery += get(qkv, c.query(t + r) + key) * c.overQuery[r] * dQ[r * keys + key];
          alongKey += get(qkv, c.key(t + r) + key) * c.overKey[r] * dK[r * keys + key];
        }
        for (int j = 0; j < values; j++) dStrength += c.error[r * values + j];
        for (int key = 0; key < keys; key++) {
          int i = r * keys + key;
          dQ[i] = (dQ[i] - get(qkv, c.query(t + r) + key) * c.overQuery[r] * alongQuery) * c.overQuery[r];
          dK[i] = (dK[i] - get(qkv, c.key(t + r) + key) * c.overKey[r] * alongKey) * c.overKey[r];
        }
        float log = c.logDecay(t + r, 0);
        if (log <= LEAST_LOG_DECAY) dLog = 0;
        Index at = c.decay(t + r, 0);
        dDecays[at] = -dLog * c.rate * sigmoid(decays[at]);
        dStrengths[at] = dStrength * c.strength[r] * (1 - c.strength[r]);
        dRate[r] += dLog * log;
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < c.count * keys; i += blockDim.x) {
      int r = i / keys, key = i % keys;
      put(dQkv, c.query(t + r) + key, dQ[i]);
      put(dQkv, c.key(t + r) + key, dK[i]);
    }
    if (t == 0) break;
    // Back to where the chunk before begins: a chunk is full unless its document ends in it.
    followed = c.continues;
    int2 before = documents ? documents[c.first + t - 1] : make_int2(0, length);
    t = before.x + (t - 1 - before.x) / TOKENS * TOKENS;
  }
  __syncthreads();
  if (threadIdx.x == 0 && c.delta()) {
    float sum = 0;
    for (int r = 0; r < TOKENS; r++) sum += dRate[r];
    rateParts[blockIdx.x] = sum;
  }
}

// The norm of each head times its gate; a warp has a head of a row.
KERNEL void gated_norm(Numbers x, const float* gain, Numbers gate, Numbers out, Index items, int width, float epsilon) {
  ofReplica(x, gain, gate, out);
  int lane = threadIdx.x % 32;
  Index item = (Index)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (item >= items) return;
  Index start = item * width;
  float squares = 0;
  for (int c = lane; c < width; c += 32) squares += get(x, start + c) * get(x, start + c);
  float rstd = 1 / sqrtf(warpSum(squares) / width + epsilon);
  for (int c = lane; c < width; c += 32) {
    float g = get(gate, start + c);
    put(out, start + c, get(x, start + c) * rstd * gain[c] * g * sigmoid(g));
  }
}

// Gradients of x and gate, and in parts[block] [width] the block's sums of that of the gain.
KERNEL void gated_norm_backward(Numbers x, const float* gain, Numbers gate, Numbers dOut, Numbers dX, Numbers dGate,
    float* parts, Index items, int width, float epsilon) {
  ofReplica(x, gain, gate, dOut, dX, dGate, parts);
  DYNAMIC_SHARED(sums);
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  float* mine = sums + warp * width;
  for (int c = lane; c < width; c += 32) mine[c] = 0;
  for (Index item = (Index)blockIdx.x * warps + warp; item < items; item += (Index)gridDim.x * warps) {
    Index start = item * width;
    float squares = 0;
    for (int c = lane; c < width; c += 32) squares += get(x, start + c) * get(x, start + c);
    float rstd = 1 / sqrtf(warpSum(squares) / width + epsilon);
    float along = 0;
    for (int c = lane; c < width; c += 32) {
      float g = get(gate, start + c), n = get(x, start + c) * rstd, d = get(dOut, start + c), s = sigmoid(g);
      mine[c] += d * g * s * n;
      along += d * g * s * n * gain[c];
      put(dGate, start + c, d * n * gain[c] * s * (1 + g * (1 - s)));
    }
    along = warpSum(along) / width;
    for (int c = lane; c < width; c += 32) {
      float g = get(gate, start + c), n = get(x, start + c) * rstd;
      put(dX, start + c, (get(dOut, start + c) * g * sigmoid(g) * gain[c] - n * along) * rstd);
    }
  }
  __syncthreads();
  for (int c = threadIdx.x; c < width; c += blockDim.x) {
    float sum = 0;
    for (int w = 0; w < warps; w++) sum += sums[w * width + c];
    parts[(Index)blockIdx.x * width + c] = sum;
  }
}
