// Stands in for NVRTC: "machine code" is a library that g++ makes of the same source with emulation.h before it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <unistd.h>

struct Program { std::string source, log, code; };
typedef Program* Handle;

static std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

extern "C" {
int nvrtcVersion(int* major, int* minor) { *major = 0; *minor = 0; return 0; }
int nvrtcGetNumSupportedArchs(int* count) { *count = 3; return 0; }
int nvrtcGetSupportedArchs(int* archs) { archs[0] = 75; archs[1] = 80; archs[2] = 90; return 0; }

int nvrtcCreateProgram(Handle* to, const char* source, const char*, int, const char* const*, const char* const*) {
  *to = new Program{source, "", ""};
  return 0;
}
int nvrtcDestroyProgram(Handle* p) { delete *p; *p = nullptr; return 0; }

int nvrtcCompileProgram(Handle p, int count, const char* const* options) {
  char folder[] = "/tmp/emulated-kernels-XXXXXX";
  if (!mkdtemp(folder)) return 1;
  std::string base = std::string(folder) + "/kernels", command = "g++ -O1 -w -std=c++17 -shared -fPIC -include " HEADER;
  for (int i = 0; i < count; i++) {
    if (!strncmp(options[i], "-D", 2)) command += std::string(" '") + options[i] + "'";
  }
  std::ofstream file(base + ".cpp");
  file << p->source << "\n";
  std::regex kernel("KERNEL(?:_OF\\(.*\\))? void (\\w+)\\(");
  // Only kernels that the macros let through exist: they are looked for in what the preprocessor leaves.
  file.close();
  std::string left = folder + std::string("/left");
  system((command + " -E -P " + base + ".cpp -o " + left + " 2>/dev/null").c_str());
  std::string visible = content(left);
  std::ofstream more(base + ".cpp", std::ios::app);
  for (std::sregex_iterator i(p->source.begin(), p->source.end(), kernel), end; i != end; ++i) {
    if (visible.find("void " + (*i)[1].str() + "(") != std::string::npos) more << "EMULATE(" << (*i)[1] << ")\n";
  }
  more.close();
  int status = system((command + " " + base + ".cpp -o " + base + ".so 2> " + base + ".log").c_str());
  p->log = content(base + ".log");
  p->code = content(base + ".so");
  system((std::string("rm -r ") + folder).c_str());
  return status == 0 ? 0 : 6;
}
int nvrtcGetProgramLogSize(Handle p, size_t* size) { *size = p->log.size() + 1; return 0; }
int nvrtcGetProgramLog(Handle p, char* log) { strcpy(log, p->log.c_str()); return 0; }
int nvrtcGetCUBINSize(Handle p, size_t* size) { *size = p->code.size(); return 0; }
int nvrtcGetCUBIN(Handle p, char* code) { memcpy(code, p->code.data(), p->code.size()); return 0; }
}
