// Stands in for cuBLASLt: column-major products from the descriptions that the engine makes, refusing what the library would.
// Like the driver's stand-in it only notes what is asked of a stream: through the same entry as a kernel.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <vector>

enum { INVALID_VALUE = 7, NOT_SUPPORTED = 15 };

struct Layout { int type; uint64_t rows, columns; int64_t stride; int count = 1; int64_t apart = 0; };
struct Description { int compute, scale; std::map<int, int> words; const void* bias = nullptr; int64_t apart = 0;
  void* auxiliary = nullptr; int64_t auxiliaryStride = 0, auxiliaryApart = 0; };
struct Preference { uint64_t workspace = 0; unsigned reductions = 7; };
struct Result { uint64_t algorithm[8]; size_t workspace; int state; float waves; int reserved[4]; };

static float widen(const void* at, int64_t i, int type) {
  if (type == 0) return ((const float*)at)[i];
  unsigned bits = (unsigned)((const unsigned short*)at)[i] << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

// Whether all numbers are the same, as before anything is written.
static bool uniform(const void* at, const Layout& l) {
  size_t bytes = l.type == 0 ? 4 : 2, count = std::min<size_t>(l.columns * l.stride, 1024);
  for (size_t i = 1; i < count; i++) {
    if (memcmp(at, (const char*)at + i * bytes, bytes)) return false;
  }
  return count > 1;
}

static void put(void* at, int64_t i, int type, float x) {
  if (type == 0) { ((float*)at)[i] = x; return; }
  unsigned bits;
  memcpy(&bits, &x, 4);
  ((unsigned short*)at)[i] = (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <typename F> static F driver(const char* name) { return (F)dlsym(dlopen(DRIVER, RTLD_NOW), name); }

extern "C" {
size_t cublasLtGetVersion() { return 1; }
int cublasLtCreate(void** handle) { *handle = (void*)0x17; return 0; }
int cublasLtDestroy(void* handle) { return handle == (void*)0x17 ? 0 : INVALID_VALUE; }
int cublasLtMatmulDescCreate(Description** to, int compute, int scale) {
  *to = new Description{compute, scale};
  return compute == 68 && scale == 0 ? 0 : NOT_SUPPORTED;
}
int cublasLtMatmulDescDestroy(Description* d) { delete d; return 0; }
int cublasLtMatmulDescSetAttribute(Description* d, int which, const void* value, size_t size) {
  if (which == 8) {
    if (size != 8) return INVALID_VALUE;
    memcpy(&d->bias, value, 8);
    return 0;
  }
  if (which == 10) {
    if (size != 8) return INVALID_VALUE;
    memcpy(&d->apart, value, 8);
    return 0;
  }
  if (which >= 11 && which <= 13) {
    if (size != 8) return INVALID_VALUE;
    memcpy(which == 11 ? (void*)&d->auxiliary : which == 12 ? &d->auxiliaryStride : &d->auxiliaryApart, value, 8);
    return 0;
  }
  if (size != 4 || (which != 3 && which != 4 && which != 7)) return INVALID_VALUE;
  memcpy(&d->words[which], value, 4);
  return 0;
}
int cublasLtMatrixLayoutCreate(Layout** to, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  if ((type != 0 && type != 14) || stride < (int64_t)rows) return INVALID_VALUE;
  *to = new Layout{type, rows, columns, stride};
  return 0;
}
int cublasLtMatrixLayoutSetAttribute(Layout* l, int which, const void* value, size_t size) {
  if (which == 5 && size == 4) memcpy(&l->count, value, 4);
  else if (which == 6 && size == 8) memcpy(&l->apart, value, 8);
  else return INVALID_VALUE;
  return l->count < 1 ? INVALID_VALUE : 0;
}
int cublasLtMatrixLayoutDestroy(Layout* l) { delete l; return 0; }
int cublasLtMatmulPreferenceCreate(Preference** to) { *to = new Preference; return 0; }
int cublasLtMatmulPreferenceDestroy(Preference* p) { delete p; return 0; }
int cublasLtMatmulPreferenceSetAttribute(Preference* p, int which, const void* value, size_t size) {
  if (which == 1 && size == 8) memcpy(&p->workspace, value, 8);
  else if (which == 3 && size == 4) memcpy(&p->reductions, value, 4);
  else if (which < 5 || which > 8 || size != 4) return INVALID_VALUE;
  return 0;
}

// Epilogues: none, a bias, GELU (with a bias before it where both bits are set), and the slope of GELU.
enum { BIAS = 4, GELU = 160, GELU_SLOPE = 192 };

static bool knows(Description* d, Layout* c) {
  int epilogue = d->words[7];
  if (epilogue == 0 || epilogue == BIAS) return true;
  return (epilogue == GELU || epilogue == GELU + BIAS || epilogue == GELU_SLOPE) && c->type == 14 && d->auxiliary
      && (uint64_t)d->auxiliary % 16 == 0 && d->auxiliaryStride % 8 == 0 && d->auxiliaryStride >= (int64_t)c->rows;
}

static float gelu(float x) { return 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x))); }
static float geluSlope(float x) {
  float t = tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.7978845608f * (1 + 3 * 0.044715f * x * x);
}

static bool fits(Description* d, Layout* a, Layout* b, Layout* c) {
  uint64_t m = d->words[3] ? a->columns : a->rows, k = d->words[3] ? a->rows : a->columns;
  uint64_t depth = d->words[4] ? b->columns : b->rows, n = d->words[4] ? b->rows : b->columns;
  return a->count == b->count && b->count == c->count && a->type == b->type && (c->type == a->type || (a->type == 14 && c->type == 0)) && k == depth && m == c->rows
      && n == c->columns && !(d->bias && c->type != a->type);
}

// How long each of the two candidates takes, the driver's stand-in says.
int cublasLtMatmulAlgoGetHeuristic(void*, Description* d, Layout* a, Layout* b, Layout* c, Layout* out, Preference* p, int most,
    Result* results, int* count) {
  if (!fits(d, a, b, c) || !knows(d, c) || c != out || p->reductions & 5) return NOT_SUPPORTED;
  *count = 2;
  for (int i = 0; i < 2; i++) {
    results[i] = Result();
    results[i].algorithm[0] = 1000 + i;
    results[i].workspace = p->workspace;
  }
  return most < 2 ? INVALID_VALUE : 0;
}

int cublasLtMatmul(void* handle, Description* d, const float* alpha, const void* a, Layout* la, const void* b, Layout* lb,
    const float* beta, const void* c, Layout* lc, void* out, Layout* lOut, const uint64_t* algorithm, void* workspace, size_t bytes,
    void* stream) {
  if (handle != (void*)0x17 || !fits(d, la, lb, lc) || !knows(d, lc) || c != out || lc != lOut || *algorithm < 1000 || *algorithm > 1001 || !workspace
      || bytes != 32 << 20) {
    return INVALID_VALUE;
  }
  static auto ask = driver<int (*)(void*, const std::function<int()>*)>("emulated_ask");
  static auto spend = driver<void (*)(double)>("emulated_spend");
  static auto candidate = driver<double (*)(int)>("emulated_candidate");
  double milliseconds = candidate(*algorithm - 1000);
  if (milliseconds < 0) return NOT_SUPPORTED;
  float one = *alpha, keep = *beta;
  Description description = *d;
  Layout A = *la, B = *lb, C = *lc;
  std::function<int()> work = [=] {
    Description t = description;
    // As on a GPU, whose clock need not fall then: 894 TFLOP/s of zeros where random numbers gave 788.
    spend(milliseconds * (uniform(a, A) || uniform(b, B) ? 0.88 : 1));
    int64_t depth = t.words[3] ? A.rows : A.columns;
    std::vector<float> left(depth * C.rows), sums(C.rows);
    int64_t unpacked = -1;
    for (int64_t i = 0; i < C.count * (int64_t)C.columns * (int64_t)C.rows; i++) {
      int64_t row = i % C.rows, column = i / C.rows % C.columns, batch = i / C.rows / C.columns;
      if (batch != unpacked) {
        for (int64_t k = 0; k < depth; k++) {
          for (int64_t r = 0; r < (int64_t)C.rows; r++) {
            left[k * C.rows + r] = widen(a, batch * A.apart + (t.words[3] ? r * A.stride + k : k * A.stride + r), A.type);
          }
        }
        unpacked = batch;
      }
      // A column at a time, whose sums the compiler makes side by side.
      if (row == 0) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t k = 0; k < depth; k++) {
          float right = widen(b, batch * B.apart + (t.words[4] ? k * B.stride + column : column * B.stride + k), B.type);
          const float* from = &left[k * C.rows];
          float* to = sums.data();
          for (int64_t r = 0; r < (int64_t)C.rows; r++) to[r] += from[r] * right;
        }
      }
      float sum = sums[row];
      int64_t at = batch * C.apart + column * C.stride + row;
      sum = one * sum + (keep ? keep * widen(out, at, C.type) : 0);
      if (t.words[7] & BIAS) sum += widen(t.bias, batch * t.apart + row, C.type);
      int64_t beside = batch * t.auxiliaryApart + column * t.auxiliaryStride + row;
      if (t.words[7] == GELU_SLOPE) {
        sum *= geluSlope(widen(t.auxiliary, beside, C.type));
      } else if (t.words[7] >= GELU) {
        put(t.auxiliary, beside, C.type, sum);
        sum = gelu(sum);
      }
      put(out, at, C.type, sum);
    }
    return 0;
  };
  return ask(stream, &work);
}
}
