// Stands in for the driver (libcuda): kernels are functions of libraries that nvrtc.cpp made. What is asked of a stream is done only
// when somebody waits for it, so that a wait forgotten shows. It refuses (with the driver's own codes) whatever a driver
// would: memory that is not allocated, handles that are gone, anything that must not be asked for while recording; and
// finds numbers written beyond an allocation's end. Memory begins as NaN. Copies beside a stream, which it would not wait for, do
// not exist, and a thread works only after it has made the context its own.
//
// Time is counted, not measured: a kernel takes a millisecond and a product what cublaslt.cpp says, four times as long on a GPU that is
// not awake yet, which EMULATED_ASLEEP pieces of work make it (0).
//
// Environment variables make it go wrong as a driver may: EMULATED_FAULT names a kernel that meets an illegal address, after
// which every call fails, EMULATED_HANG one that never ends; EMULATED_DRIVER is the version of CUDA, EMULATED_GPU the GPU's
// name, EMULATED_GPUS their number, EMULATED_CONTEXT the error at the making of a context, EMULATED_BYTES the memory.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

typedef unsigned long long Address;
enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, DEVICE_UNAVAILABLE = 46, NO_DEVICE = 100, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, CAPTURE = 900 };

struct Stream { std::deque<std::function<int()>> work; bool recording = false; std::thread::id recorder; std::vector<std::function<int()>> recorded; };
struct Module { void* library; std::string file; };
struct Function { std::string name; void (*launch)(const unsigned*, int, int, void**); std::vector<int> sizes; int shared = 48 * 1024; };
struct Graph { std::vector<std::function<int()>> work; };
struct Event { bool set = false; double at = 0; };

// Any thread may call, one at a time.
static std::recursive_mutex calling;
struct Guard { std::lock_guard<std::recursive_mutex> lock{calling}; };

static const int GUARD = 256;
static std::map<Address, size_t> memory;
static std::map<char*, size_t> pinned;
static std::set<Stream*> streams;
static std::set<Module*> modules;
static std::set<Graph*> graphs, executables;
static std::set<Event*> events;
static std::set<Function*> functions;
static std::set<Address> globals;
static int retained;
static bool faulted;
static size_t used;
static std::string calls, launches;

static int note(const char* name) { calls += name; calls += ' '; return 0; }

static const char* setting(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value ? value : otherwise;
}

static thread_local bool current;
// Milliseconds of work done so far, and pieces of work until the GPU is awake.
static double elapsed;
static long long asleep = atoll(setting("EMULATED_ASLEEP", "0"));
static double candidates[2] = {10, 11};

static void spend(double milliseconds) {
  elapsed += asleep > 0 ? 4 * milliseconds : milliseconds;
  if (asleep > 0) asleep--;
}

static size_t capacity = (size_t)atoll(setting("EMULATED_BYTES", "1073741824"));

static bool inside(Address at, size_t bytes) {
  if (globals.count(at)) return bytes == 8;
  auto after = memory.upper_bound(at);
  if (after == memory.begin()) return false;
  --after;
  return at + bytes <= after->first + after->second;
}

static bool insidePinned(const void* at, size_t bytes) {
  auto after = pinned.upper_bound((char*)at);
  if (after == pinned.begin()) return false;
  --after;
  return (char*)at + bytes <= after->first + after->second;
}

static bool guardIntact(Address at, size_t bytes) {
  for (int i = 0; i < GUARD; i++) {
    if (((unsigned char*)at)[-1 - i] != 0xcd || ((unsigned char*)at)[bytes + i] != 0xcd) return false;
  }
  return true;
}

static int drain(Stream* s) {
  int code = faulted ? ILLEGAL_ADDRESS : 0;
  while (!s->work.empty() && code == 0) {
    code = s->work.front()();
    s->work.pop_front();
  }
  s->work.clear();
  for (auto& m : memory) {
    if (!guardIntact(m.first, m.second)) code = ILLEGAL_ADDRESS;
  }
  return code;
}

static int ask(Stream* s, std::function<int()> work) {
  if (!current) return INVALID_CONTEXT;
  if (faulted) return ILLEGAL_ADDRESS;
  if (!streams.count(s)) return INVALID_HANDLE;
  if (s->recording) s->recorded.push_back(work);
  else s->work.push_back(work);
  return 0;
}

// Whether the calling thread is recording.
static bool recording() {
  for (Stream* s : streams) if (s->recording && s->recorder == std::this_thread::get_id()) return true;
  return false;
}

extern "C" {
// For the stand-ins of other libraries that work on a stream.
int emulated_ask(Stream* s, const std::function<int()>* work) { Guard guard; return ask(s, *work); }
void emulated_spend(double milliseconds) { Guard guard; spend(milliseconds); }
double emulated_candidate(int which) { Guard guard; return candidates[which]; }

// For tests: the calls since the last time this was asked for, memory to be had, and what is still allocated.
const char* emulated_calls() { static std::string told; told = calls; calls.clear(); return told.c_str(); }
// The kernels launched since the last time: name, blocks along and down, and threads.
const char* emulated_launches() { static std::string told; told = launches; launches.clear(); return told.c_str(); }
void emulated_capacity(long long bytes) { capacity = bytes; }
void emulated_asleep(long long pieces) { asleep = pieces; }
// Milliseconds of a product of random numbers by cuBLASLt's first and second candidate; below 0 it is refused.
void emulated_candidates(double first, double second) { candidates[0] = first, candidates[1] = second; }
long long emulated_retained() { return retained; }
long long emulated_leaks() {
  return memory.size() + pinned.size() + streams.size() + modules.size() + graphs.size() + executables.size() + events.size();
}

int cuGetErrorName(int code, const char** name) { Guard guard;
  *name = code == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : code == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
      : code == INVALID_VALUE ? "CUDA_ERROR_INVALID_VALUE" : code == CAPTURE ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
      : code == INVALID_HANDLE ? "CUDA_ERROR_INVALID_HANDLE" : code == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : code == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE"
      : code == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : code == DEVICE_UNAVAILABLE ? "CUDA_ERROR_DEVICE_UNAVAILABLE" : "CUDA_ERROR_UNKNOWN";
  return 0;
}
int cuGetErrorString(int code, const char** text) { Guard guard; *text = code == OUT_OF_MEMORY ? "out of memory" : "emulated"; return 0; }
int cuInit(unsigned flags) { Guard guard; return flags ? INVALID_VALUE : atoi(setting("EMULATED_GPUS", "1")) ? 0 : NO_DEVICE; }
int cuDriverGetVersion(int* version) { Guard guard; *version = atoi(setting("EMULATED_DRIVER", "13000")); return 0; }
int cuDeviceGetCount(int* count) { Guard guard; *count = atoi(setting("EMULATED_GPUS", "1")); return *count ? 0 : NOT_INITIALIZED; }
int cuDeviceGet(int* device, int ordinal) { Guard guard; *device = 7; return ordinal ? INVALID_VALUE : 0; }
int cuDeviceGetName(char* name, int size, int device) { Guard guard; snprintf(name, size, "%s", setting("EMULATED_GPU", "Emulated GPU")); return device == 7 ? 0 : INVALID_VALUE; }
int cuDeviceGetAttribute(int* value, int which, int device) { Guard guard;
  if (device != 7) return INVALID_VALUE;
  switch (which) {
    case 75: *value = 9; return 0;
    case 76: *value = 0; return 0;
    case 16: *value = 132; return 0;
    case 20: *value = atoi(setting("EMULATED_CONTEXT", "0")) == DEVICE_UNAVAILABLE ? 3 : 0; return 0;
    case 97: *value = 227 * 1024; return 0;
  }
  return INVALID_VALUE;
}
int cuDevicePrimaryCtxRetain(void** context, int device) { Guard guard; 
  note("cuDevicePrimaryCtxRetain");
  if (int code = atoi(setting("EMULATED_CONTEXT", "0"))) return code;
  *context = &retained; retained++; return device == 7 ? 0 : INVALID_VALUE; }
int cuDevicePrimaryCtxRelease_v2(int device) { Guard guard; retained--; return device == 7 ? 0 : INVALID_VALUE; }
int cuProfilerStart() { Guard guard; return note("cuProfilerStart"); }
int cuProfilerStop() { Guard guard; return note("cuProfilerStop"); }
int cuCtxSetCurrent(void* context) { Guard guard; note("cuCtxSetCurrent"); if (faulted) return ILLEGAL_ADDRESS; current = context == &retained; return current ? 0 : INVALID_VALUE; }

int cuMemGetInfo_v2(size_t* free, size_t* total) { Guard guard; *free = capacity - used; *total = capacity; return 0; }
int cuMemAlloc_v2(Address* to, size_t bytes) { Guard guard;
  note("cuMemAlloc");
  if (!current) return INVALID_CONTEXT;
  if (faulted) return ILLEGAL_ADDRESS;
  if (recording()) return CAPTURE;
  if (bytes == 0) return INVALID_VALUE;
  if (used + bytes > capacity) return OUT_OF_MEMORY;
  char* block = (char*)aligned_alloc(256, (bytes + 2 * GUARD + 255) / 256 * 256);
  memset(block, 0xcd, GUARD);
  memset(block + GUARD, 0xff, bytes);
  memset(block + GUARD + bytes, 0xcd, GUARD);
  *to = (Address)(block + GUARD);
  memory[*to] = bytes;
  used += bytes;
  return 0;
}
int cuMemFree_v2(Address at) { Guard guard;
  note("cuMemFree");
  if (faulted) return ILLEGAL_ADDRESS;
  auto found = memory.find(at);
  if (found == memory.end()) return INVALID_VALUE;
  if (!guardIntact(at, found->second)) return ILLEGAL_ADDRESS;
  used -= found->second;
  memory.erase(found);
  free((char*)at - GUARD);
  return 0;
}
int cuMemHostAlloc(void** to, size_t bytes, unsigned) { Guard guard;
  note("cuMemHostAlloc");
  if (faulted) return ILLEGAL_ADDRESS;
  if (recording()) return CAPTURE;
  *to = calloc(1, bytes);
  pinned[(char*)*to] = bytes;
  return 0;
}
int cuMemFreeHost(void* at) { Guard guard;
  if (!pinned.erase((char*)at)) return INVALID_VALUE;
  free(at);
  return 0;
}
int cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, Stream* s) { Guard guard;
  note("cuMemcpyHtoDAsync");
  if (!inside(to, bytes) || !insidePinned(from, bytes)) return INVALID_VALUE;
  return ask(s, [=] { memcpy((void*)to, from, bytes); return 0; });
}
int cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, Stream* s) { Guard guard;
  note("cuMemcpyDtoHAsync");
  if (!inside(from, bytes) || !insidePinned(to, bytes)) return INVALID_VALUE;
  return ask(s, [=] { memcpy(to, (void*)from, bytes); return 0; });
}
int cuMemsetD8Async(Address to, unsigned char value, size_t bytes, Stream* s) { Guard guard;
  note("cuMemsetD8Async");
  if (!inside(to, bytes)) return INVALID_VALUE;
  return ask(s, [=] { spend(1); memset((void*)to, value, bytes); return 0; });
}

int cuStreamCreate(Stream** to, unsigned) { Guard guard; streams.insert(*to = new Stream); return 0; }
int cuStreamDestroy_v2(Stream* s) { Guard guard; if (!streams.erase(s)) return INVALID_HANDLE; delete s; return 0; }
int cuStreamSynchronize(Stream* s) { Guard guard;
  note("cuStreamSynchronize");
  if (!streams.count(s)) return INVALID_HANDLE;
  return s->recording ? CAPTURE : drain(s);
}
int cuStreamBeginCapture_v2(Stream* s, int) { Guard guard;
  note("cuStreamBeginCapture");
  if (!streams.count(s) || s->recording) return INVALID_HANDLE;
  s->recording = true;
  s->recorder = std::this_thread::get_id();
  return 0;
}
int cuStreamEndCapture(Stream* s, Graph** to) { Guard guard;
  note("cuStreamEndCapture");
  if (!streams.count(s) || !s->recording) return INVALID_HANDLE;
  s->recording = false;
  graphs.insert(*to = new Graph{s->recorded});
  s->recorded.clear();
  return 0;
}
int cuGraphInstantiateWithFlags(Graph** to, Graph* graph, unsigned long long) { Guard guard;
  if (!graphs.count(graph)) return INVALID_HANDLE;
  executables.insert(*to = new Graph(*graph));
  return 0;
}
int cuGraphDestroy(Graph* g) { Guard guard; if (!graphs.erase(g)) return INVALID_HANDLE; delete g; return 0; }
int cuGraphExecDestroy(Graph* g) { Guard guard; if (!executables.erase(g)) return INVALID_HANDLE; delete g; return 0; }
int cuGraphLaunch(Graph* g, Stream* s) { Guard guard;
  note("cuGraphLaunch");
  if (!executables.count(g)) return INVALID_HANDLE;
  for (auto& work : g->work) if (int code = ask(s, work)) return code;
  return 0;
}

int cuEventCreate(Event** to, unsigned) { Guard guard; events.insert(*to = new Event); return 0; }
int cuEventDestroy_v2(Event* e) { Guard guard; if (!events.erase(e)) return INVALID_HANDLE; delete e; return 0; }
int cuEventRecord(Event* e, Stream* s) { Guard guard;
  note("cuEventRecord");
  if (!events.count(e)) return INVALID_HANDLE;
  e->set = false;
  return ask(s, [=] { e->set = true, e->at = elapsed; return 0; });
}
int cuEventSynchronize(Event* e) { Guard guard;
  note("cuEventSynchronize");
  if (!events.count(e)) return INVALID_HANDLE;
  // No more of a stream than is waited for.
  for (Stream* s : streams) {
    while (!e->set && !s->work.empty()) {
      if (int code = s->work.front()()) return code;
      s->work.pop_front();
    }
  }
  return 0;
}
int cuEventElapsedTime(float* time, Event* from, Event* to) { Guard guard;
  *time = to->at - from->at;
  return from->set && to->set ? 0 : INVALID_HANDLE;
}

int cuModuleLoadData(Module** to, const void* image) { Guard guard;
  if (memcmp(image, "\177ELF", 4)) return INVALID_VALUE;
  // The size of the image is where its section table ends.
  const unsigned char* elf = (const unsigned char*)image;
  unsigned long long table;
  unsigned short size, count;
  memcpy(&table, elf + 40, 8), memcpy(&size, elf + 58, 2), memcpy(&count, elf + 60, 2);
  char file[] = "/tmp/emulated-module-XXXXXX";
  int descriptor = mkstemp(file);
  if (write(descriptor, image, table + (unsigned long long)size * count) < 0) return INVALID_VALUE;
  close(descriptor);
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  unlink(file);
  if (!library) { fprintf(stderr, "%s\n", dlerror()); return INVALID_VALUE; }
  modules.insert(*to = new Module{library, file});
  return 0;
}
int cuModuleUnload(Module* m) { Guard guard; if (!modules.erase(m)) return INVALID_HANDLE; delete m; return 0; }
// All variables are eight bytes.
int cuModuleGetGlobal_v2(Address* to, size_t* bytes, Module* m, const char* name) { Guard guard;
  if (!modules.count(m)) return INVALID_HANDLE;
  void* found = dlsym(m->library, name);
  if (!found) return NOT_FOUND;
  globals.insert(*to = (Address)found);
  if (bytes) *bytes = 8;
  return 0;
}
int cuModuleGetFunction(Function** to, Module* m, const char* name) { Guard guard;
  if (!modules.count(m)) return INVALID_HANDLE;
  auto launch = (void (*)(const unsigned*, int, int, void**))dlsym(m->library, (std::string("launch_") + name).c_str());
  auto parameters = (int (*)(int*))dlsym(m->library, (std::string("parameters_") + name).c_str());
  if (!launch || !parameters) return NOT_FOUND;
  int sizes[64];
  int count = parameters(sizes);
  functions.insert(*to = new Function{name, launch, std::vector<int>(sizes, sizes + count)});
  return 0;
}
int cuFuncSetAttribute(Function* f, int which, int value) { Guard guard;
  if (!functions.count(f) || which != 8 || value > 227 * 1024) return INVALID_VALUE;
  f->shared = value;
  return 0;
}
int cuLaunchKernel(Function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Stream* s,
    void** arguments, void** extra) { Guard guard;
  note("cuLaunchKernel");
  launches += f->name + ' ' + std::to_string(gx) + ' ' + std::to_string(gy) + ' ' + std::to_string(bx) + ';';
  if (!functions.count(f) || extra || !gx || !gy || gy > 65535 || !gz || gz > 65535 || !bx || bx > 1024 || by != 1 || bz != 1) return INVALID_VALUE;
  if ((int)shared > f->shared) return INVALID_VALUE;
  std::vector<std::vector<char>> values;
  for (size_t i = 0; i < f->sizes.size(); i++) values.emplace_back((char*)arguments[i], (char*)arguments[i] + f->sizes[i]);
  return ask(s, [=] {
    std::vector<void*> pointers;
    for (auto& value : values) pointers.push_back((void*)value.data());
    unsigned grid[3] = {gx, gy, gz};
    if (f->name == setting("EMULATED_HANG", "")) for (;;) pause();
    if (f->name == setting("EMULATED_FAULT", "")) { faulted = true; return (int)ILLEGAL_ADDRESS; }
    spend(1);
    f->launch(grid, bx, shared, pointers.data());
    return 0;
  });
}
}
