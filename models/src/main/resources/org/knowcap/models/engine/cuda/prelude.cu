// What every kernel uses. The macros say for which model the kernels are compiled:
//   BF16    1 where products compute in bf16, 0 for fp32 throughout
//   VECTOR  numbers that a thread reads at once: 4, or 1 where rows are no multiple of 4
//   PACKS   times 32 * VECTOR is at least the width of the model
//   HEAD    components of an attention head
// R, d, V, T are the rows of a batch, the model's width, the vocabulary, and the tokens of a window.

#ifndef EMULATED
#define KERNEL extern "C" __global__
// Of blocks of `threads`, `blocks` of which at least a multiprocessor has registers for.
#define KERNEL_OF(threads, blocks) extern "C" __global__ __launch_bounds__(threads, blocks)
#define DEVICE __device__ __forceinline__
#define METHOD __device__ __forceinline__
#define CONSTANT __constant__
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) float name[]

// Two fp32 numbers to bf16, to nearest, ties to even; low in the lower half.
DEVICE unsigned toBf16Pair(float low, float high) {
  unsigned two;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(two) : "f"(high), "f"(low));
  return two;
}

// 2^x, to two units in the last place.
DEVICE float exp2Approximate(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// c [16, 8] += a [16, 16] * b [16, 8] on tensor cores. Lane 4 g + t holds of a the pairs (g, 2t), (g + 8, 2t),
// (g, 2t + 8), (g + 8, 2t + 8), of b (2t, g), (2t + 8, g) down its columns, of c (g, 2t), (g + 8, 2t).
DEVICE void multiplyTiles(float* c, const unsigned* a, const unsigned* b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four 8 x 8 tiles of numbers in shared memory, lane l giving the address of row l % 8 of tile l / 8: of each, lane 4 g + t gets
// elements 2t and 2t + 1 of row g.
DEVICE void loadTiles(unsigned* four, const unsigned short* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3]) : "r"(address) : "memory");
}

// The same of tiles transposed: elements 2t and 2t + 1 of column g.
DEVICE void loadTransposed(unsigned* four, const unsigned short* row) {
  unsigned address = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(four[0]), "=r"(four[1]), "=r"(four[2]), "=r"(four[3]) : "r"(address) : "memory");
}

// Copies 4 or 16 bytes to shared memory in the background, or zeros that are not `there`; `from` is an address that exists all the
// same. Both are multiples of as many bytes.
template <int BYTES> DEVICE void copyAsync(void* to, const void* from, bool there) {
  unsigned address = (unsigned)__cvta_generic_to_shared(to);
  if constexpr (BYTES == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
        :: "r"(address), "l"(from), "r"(there ? 16 : 0) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
        :: "r"(address), "l"(from), "n"(BYTES), "r"(there ? BYTES : 0) : "memory");
  }
}

// Waits for this thread's copies. Those of others are there behind the next barrier.
DEVICE void waitForCopies() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#endif

typedef long long Index;
typedef unsigned short bf16;
#define INFINITE __int_as_float(0x7f800000)
#define EVERY_LANE 0xffffffffu
#define LOG2_E 1.4426950408889634f

DEVICE float toFloat(bf16 x) { return __uint_as_float((unsigned)x << 16); }
DEVICE float toFloat(float x) { return x; }
DEVICE bf16 toBf16(float x) { return (bf16)(toBf16Pair(x, 0) & 0xffff); }
DEVICE void store(float* to, float x) { *to = x; }
DEVICE void store(bf16* to, float x) { *to = toBf16(x); }

// What passes between operations.
#if BF16
typedef bf16 Element;
#else
typedef float Element;
#endif

// Numbers that are bf16 or fp32, as org.knowcap.models.engine.cuda.driver.Numbers.
struct Numbers {
  void* at;
  int isBf16;
};

DEVICE Numbers from(Numbers n, Index i) { return {(char*)n.at + i * (n.isBf16 ? 2 : 4), n.isBf16}; }

// A launch does the same for several runs at once, its replicas, blockIdx.z of them. What belongs to a run lies this many bytes
// behind what belongs to the run before: a kernel gets the first run's pointers and begins with
//   ofReplica(every pointer that it was given);
// Pointers to nothing stay so.
CONSTANT Index replicaStride;

template <class T> DEVICE void shift(T*& at) {
  if (at) at = (T*)((char*)at + blockIdx.z * replicaStride);
}

DEVICE void shift(Numbers& n) { shift(n.at); }

template <class... Pointers> DEVICE void ofReplica(Pointers&... all) { (shift(all), ...); }

// VECTOR numbers in a row.
struct Pack {
  float x[VECTOR];
};

DEVICE Pack load(const float* at) {
  Pack p;
#if VECTOR == 4
  float4 v = *(const float4*)at;
  p.x[0] = v.x, p.x[1] = v.y, p.x[2] = v.z, p.x[3] = v.w;
#else
  p.x[0] = *at;
#endif
  return p;
}

DEVICE Pack load(const bf16* at) {
  Pack p;
#if VECTOR == 4
  uint2 v = *(const uint2*)at;
  p.x[0] = __uint_as_float(v.x << 16), p.x[1] = __uint_as_float(v.x & 0xffff0000u);
  p.x[2] = __uint_as_float(v.y << 16), p.x[3] = __uint_as_float(v.y & 0xffff0000u);
#else
  p.x[0] = toFloat(*at);
#endif
  return p;
}

template <class T> DEVICE Pack load(const T* from, Index i) { return load(from + i); }

DEVICE Pack load(Numbers n, Index i) {
  return n.isBf16 ? load((const bf16*)n.at + i) : load((const float*)n.at + i);
}

DEVICE void store(float* at, Pack p) {
#if VECTOR == 4
  *(float4*)at = make_float4(p.x[0], p.x[1], p.x[2], p.x[3]);
#else
  *at = p.x[0];
#endif
}

DEVICE void store(Numbers n, Index i, Pack p) {
  if (!n.isBf16) {
    store((float*)n.at + i, p);
    return;
  }
#if VECTOR == 4
  *(uint2*)((bf16*)n.at + i) = make_uint2(toBf16Pair(p.x[0], p.x[1]), toBf16Pair(p.x[2], p.x[3]));
#else
  ((bf16*)n.at)[i] = toBf16(p.x[0]);
#endif
}

DEVICE float get(Numbers n, Index i) { return n.isBf16 ? toFloat(((const bf16*)n.at)[i]) : ((const float*)n.at)[i]; }

DEVICE void put(Numbers n, Index i, float x) {
  if (n.isBf16) ((bf16*)n.at)[i] = toBf16(x);
  else ((float*)n.at)[i] = x;
}

// Sums over the lanes of a warp that differ in the bits below `lanes`; every lane gets the same sum.
DEVICE float warpSum(float x, int lanes = 32) {
  for (int step = lanes / 2; step > 0; step /= 2) x += __shfl_xor_sync(EVERY_LANE, x, step);
  return x;
}

DEVICE float warpMax(float x, int lanes = 32) {
  for (int step = lanes / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(EVERY_LANE, x, step));
  return x;
}

// This thread's number among all of a one-dimensional launch.
DEVICE Index thread() { return (Index)blockIdx.x * blockDim.x + threadIdx.x; }

// Sums over a block of a power of two of threads, in a fixed order; every thread gets the sum.
DEVICE double blockSum(double x) {
  __shared__ double sums[1024];
  __syncthreads();
  sums[threadIdx.x] = x;
  for (int step = blockDim.x / 2; step > 0; step /= 2) {
    __syncthreads();
    if (threadIdx.x < step) sums[threadIdx.x] += sums[threadIdx.x + step];
  }
  __syncthreads();
  return sums[0];
}
