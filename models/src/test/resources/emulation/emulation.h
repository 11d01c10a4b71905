// Plays a GPU on one thread of a CPU: a block's threads are fibres that run in turn from barrier to barrier; lanes of a warp
// exchange registers through memory; the tensor-core instructions are computed element by element. For tests alone.
#define EMULATED
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utility>

template <class T> static inline T min(T a, T b) { return a < b ? a : b; }
template <class T> static inline T max(T a, T b) { return a > b ? a : b; }

#define KERNEL static
#define KERNEL_OF(threads, blocks) static
#define DEVICE static inline
#define METHOD inline
#define CONSTANT __attribute__((visibility("protected")))
#define __shared__ static
#define DYNAMIC_SHARED(name) float* name = (float*)emulation::dynamicShared

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline int2 make_int2(int x, int y) { return {x, y}; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline float __uint_as_float(unsigned x) { float f; memcpy(&f, &x, 4); return f; }
static inline float __int_as_float(int x) { float f; memcpy(&f, &x, 4); return f; }
static inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }

namespace emulation {
struct Index { unsigned x = 0, y = 0, z = 0; };

// Keeps the registers that a call keeps on the stack, leaves the stack's address in *from, and takes up another's.
extern "C" void emulated_switch(void** from, void* to);
asm(R"(
  .text
  .local emulated_switch
  .type emulated_switch, @function
emulated_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

struct Fibre {
  void* stack;
  Index index;
  bool done = true;
};

struct Warp {
  int arrived = 0;
  unsigned generation = 0;
  unsigned slots[2][32][10];
};

static const int MOST = 1024;
static Fibre fibres[MOST];
static int made;
static Warp warps[MOST / 32];
static void* home;
static void (*body)(void**);
static void** values;
static int running, current, alive, arrived;
static unsigned generation;
static Index block, blocks, threads;
static char* dynamicShared;

static void fail(const char* why) {
  fprintf(stderr, "emulation: %s\n", why);
  abort();
}

// On to the next fibre that has not finished; back home if none is left.
static void yield() {
  Fibre* self = &fibres[current];
  if (alive == 0) {
    emulated_switch(&self->stack, home);
    return;
  }
  do current = current + 1 == running ? 0 : current + 1; while (fibres[current].done);
  if (&fibres[current] != self) emulated_switch(&self->stack, fibres[current].stack);
}

// What a fibre does, block after block.
static void live() {
  for (;;) {
    body(values);
    fibres[current].done = true;
    alive--;
    if (arrived > 0 && arrived == alive) arrived = 0, generation++;
    yield();
  }
}

static void barrier() {
  unsigned mine = generation;
  if (++arrived == alive) arrived = 0, generation++;
  for (long spins = 0; mine == generation; spins++) {
    if (spins > 1000000) fail("threads of a block wait for each other for ever");
    yield();
  }
}

static Warp& warp() { return warps[current / 32]; }

static void warpBarrier() {
  Warp& w = warp();
  unsigned mine = w.generation;
  if (++w.arrived == min(32, running - current / 32 * 32)) w.arrived = 0, w.generation++;
  for (long spins = 0; mine == w.generation; spins++) {
    if (spins > 1000000) fail("lanes of a warp wait for each other for ever");
    yield();
  }
}

// Shows words to the warp's other lanes; what all show lies in the result until the exchange after the next.
static unsigned (*exchange(const void* words, int count))[10] {
  Warp& w = warp();
  auto slots = w.slots[w.generation & 1];
  memcpy(slots[current % 32], words, 4 * count);
  warpBarrier();
  return slots;
}

// Runs a kernel's every block, one after the other.
static void run(Index grid, int threadCount, int sharedBytes, void (*kernel)(void**), void** arguments) {
  for (; made < threadCount; made++) {
    // Stacks that all ended at the same place of a page would fight for the same lines of the cache. On top lies what
    // a switch takes up: six registers and where to go, so that it finds the stack as after a call.
    size_t words = 8192 + made * 40 % 1024;
    void** stack = (void**)aligned_alloc(64, words * 8) + words - 8;
    stack[6] = (void*)live;
    fibres[made].stack = stack;
  }
  dynamicShared = (char*)aligned_alloc(16, (sharedBytes + 16) / 16 * 16);
  body = kernel;
  values = arguments;
  running = threadCount;
  threads = {(unsigned)threadCount, 1, 1};
  blocks = grid;
  for (Warp& warp : warps) warp.arrived = 0;
  for (unsigned i = 0; i < grid.x * grid.y * grid.z; i++) {
    block = {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y};
    memset(dynamicShared, 0xff, sharedBytes);
    alive = threadCount, arrived = 0;
    for (int t = 0; t < threadCount; t++) fibres[t].done = false, fibres[t].index = {(unsigned)t, 0, 0};
    current = 0;
    emulated_switch(&home, fibres[0].stack);
  }
  free(dynamicShared);
}

// Calls a kernel with arguments as cuLaunchKernel takes them.
template <auto KERNEL_FUNCTION, class... A, size_t... I>
static void call(void (*)(A...), void** arguments, std::index_sequence<I...>) {
  KERNEL_FUNCTION(*(A*)arguments[I]...);
}
template <auto KERNEL_FUNCTION, class... A>
static void call(void (*kernel)(A...), void** arguments) {
  call<KERNEL_FUNCTION>(kernel, arguments, std::make_index_sequence<sizeof...(A)>());
}
template <auto KERNEL_FUNCTION>
static void unpack(void** arguments) {
  call<KERNEL_FUNCTION>(KERNEL_FUNCTION, arguments);
}
template <class... A>
static int sizes(void (*)(A...), int* to) {
  int all[] = {(int)sizeof(A)...};
  memcpy(to, all, sizeof all);
  return sizeof...(A);
}
}  // namespace emulation

#define threadIdx (emulation::fibres[emulation::current].index)
#define blockIdx emulation::block
#define blockDim emulation::threads
#define gridDim emulation::blocks

static inline void __syncthreads() { emulation::barrier(); }
static inline void __syncwarp() { emulation::warpBarrier(); }

static inline void __threadfence() {}

// Blocks come one after the other, and fibres change only where they wait.
static inline unsigned atomicInc(unsigned* at, unsigned last) {
  unsigned old = *at;
  *at = old >= last ? 0 : old + 1;
  return old;
}

static inline float __shfl_xor_sync(unsigned, float x, int mask) {
  return __uint_as_float(emulation::exchange(&x, 1)[emulation::current % 32 ^ mask][0]);
}

static inline float __shfl_sync(unsigned, float x, int lane) {
  return __uint_as_float(emulation::exchange(&x, 1)[lane][0]);
}

static inline unsigned __ballot_sync(unsigned, bool vote) {
  unsigned word = vote, votes = 0;
  auto all = emulation::exchange(&word, 1);
  int lanes = min(32, emulation::running - emulation::current / 32 * 32);
  for (int lane = 0; lane < lanes; lane++) votes |= all[lane][0] << lane;
  return votes;
}

static inline int __popc(unsigned x) { return __builtin_popcount(x); }

static inline unsigned short roundToBf16(float x) {
  unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return (unsigned short)(bits >> 16 | 0x40);
  return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline unsigned toBf16Pair(float low, float high) { return roundToBf16(low) | (unsigned)roundToBf16(high) << 16; }

static inline float exp2Approximate(float x) { return exp2f(x); }

static inline void multiplyTiles(float* c, const unsigned* a, const unsigned* b) {
  unsigned words[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  auto all = emulation::exchange(words, 6);
  auto pair = [](float* to, unsigned word) { to[0] = __uint_as_float(word << 16), to[1] = __uint_as_float(word & 0xffff0000u); };
  int g = emulation::current % 32 / 4, t = emulation::current % 4;
  // Rows g and g + 8 of a, columns 2t and 2t + 1 of b.
  float rows[2][16], columns[2][16];
  for (int side = 0; side < 2; side++) {
    for (int k = 0; k < 8; k++) {
      pair(&rows[side][2 * k], all[g * 4 + k % 4][side + k / 4 * 2]);
      pair(&columns[side][2 * k], all[(2 * t + side) * 4 + k % 4][4 + k / 4]);
    }
  }
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < 16; k++) c[i] += rows[i / 2][k] * columns[i % 2][k];
  }
}

static inline void loadTiles(unsigned* four, const unsigned short* row, bool transposed = false) {
  auto all = emulation::exchange(&row, 2);
  int g = emulation::current % 32 / 4, t = emulation::current % 4;
  for (int i = 0; i < 4; i++) {
    const unsigned short *first, *second;
    memcpy(&first, all[8 * i + (transposed ? 2 * t : g)], 8);
    memcpy(&second, all[8 * i + (transposed ? 2 * t + 1 : g)], 8);
    if ((uintptr_t)first % 16) emulation::fail("ldmatrix from an address that is no multiple of 16");
    four[i] = transposed ? first[g] | (unsigned)second[g] << 16 : first[2 * t] | (unsigned)first[2 * t + 1] << 16;
  }
  // The rows may change as soon as this returns.
  emulation::warpBarrier();
}

static inline void loadTransposed(unsigned* four, const unsigned short* row) { loadTiles(four, row, true); }

// A copy in the background may be done at once, or no earlier than it is waited for: even threads' are the one, odd threads' the
// other.
namespace emulation {
struct Copy {
  void* to;
  const void* from;
  int bytes, there;
  void run() const {
    if (there) memcpy(to, from, bytes);
    else memset(to, 0, bytes);
  }
};
static Copy copies[MOST][256];
static int pending[MOST];
}  // namespace emulation

template <int BYTES> static inline void copyAsync(void* to, const void* from, bool there) {
  if ((uintptr_t)to % BYTES || (uintptr_t)from % BYTES) emulation::fail("cp.async from or to an odd address");
  emulation::Copy copy = {to, from, BYTES, there};
  int& count = emulation::pending[emulation::current];
  if (emulation::current % 2 == 0) copy.run();
  else if (count == 256) emulation::fail("too many copies that nobody waits for");
  else emulation::copies[emulation::current][count++] = copy;
}

static inline void waitForCopies() {
  int& count = emulation::pending[emulation::current];
  for (int i = 0; i < count; i++) emulation::copies[emulation::current][i].run();
  count = 0;
}

// What the driver's stand-in looks for: the kernel behind a name, and the sizes of its parameters.
#define EMULATE(name) \
  extern "C" void launch_##name(const unsigned* grid, int threadCount, int sharedBytes, void** arguments) { \
    emulation::run({grid[0], grid[1], grid[2]}, threadCount, sharedBytes, emulation::unpack<name>, arguments); \
  } \
  extern "C" int parameters_##name(int* sizes) { return emulation::sizes(name, sizes); }
