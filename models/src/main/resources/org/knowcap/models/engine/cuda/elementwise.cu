// A thread takes VECTOR numbers. Activations: 0 is GELU in GPT-2's form, x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))),
// 1 is SiLU, x / (1 + exp(-x)).
#define GELU_ROOT 0.7978845608028654f
#define GELU_CUBE 0.044715f

// tanh(u) = 1 - 2 / (1 + exp(2 u))
DEVICE float geluTanh(float x) { return 1 - 2 / (1 + expf(2 * GELU_ROOT * (x + GELU_CUBE * x * x * x))); }

DEVICE float activation(int which, float x) {
  return which == 0 ? 0.5f * x * (1 + geluTanh(x)) : x / (1 + expf(-x));
}

DEVICE float slope(int which, float x) {
  if (which == 0) {
    float t = geluTanh(x);
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * GELU_ROOT * (1 + 3 * GELU_CUBE * x * x);
  }
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

// out = x, in out's precision. One number a thread: parameters are any number.
KERNEL void copy(Numbers x, Numbers out, Index count) {
  ofReplica(x, out);
  Index i = thread();
  if (i < count) put(out, i, get(x, i));
}

// x = 0
KERNEL void zero(float* x, Index count) {
  ofReplica(x);
  Index i = thread();
  if (i < count) x[i] = 0;
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
KERNEL void gate(int which, Numbers x, Numbers out, int rows, int width) {
  ofReplica(x, out);
  Index i = thread() * VECTOR;
  if (i >= (Index)rows * width) return;
  Index left = i / width * 2 * width + i % width;
  Pack l = load(x, left), r = load(x, left + width);
  for (int k = 0; k < VECTOR; k++) l.x[k] = activation(which, l.x[k]) * r.x[k];
  store(out, i, l);
}

// Of the halves l and r: dOut r activation'(l) and dOut activation(l)
KERNEL void gate_backward(int which, Numbers x, Numbers dOut, Numbers dX, int rows, int width) {
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

// Turns queries and keys in place: in each head component i of the first 2 half with component i + half, by the angle
// whose cosine and sine are turns[t][i], t the position in the window, of keys keyTurns[t][i]; direction -1 turns back. The
// first `queries` of the heads are queries'. A thread takes a pair.
KERNEL void turn(Numbers qkv, const float* turns, const float* keyTurns, int rows, int length, int stride, int queries,
    int heads, int half, float direction) {
  ofReplica(qkv, turns, keyTurns);
  Index i = thread();
  if (i >= (Index)rows * heads * half) return;
  int component = i % half, head = i / half % heads, row = i / half / heads;
  const float* angle = (head < queries ? turns : keyTurns) + 2 * ((Index)(row % length) * half + component);
  float cosine = angle[0], sine = direction * angle[1];
  Index at = (Index)row * stride + head * HEAD + component;
  float x = get(qkv, at), y = get(qkv, at + half);
  put(qkv, at, x * cosine - y * sine);
  put(qkv, at + half, x * sine + y * cosine);
}
