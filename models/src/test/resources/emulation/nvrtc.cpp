// Stands in for NVRTC: "machine code" is a library that g++ makes of the same source with emulation.h before it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

struct Program { std::string source, log, code; };
typedef Program* Handle;

static std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

// Each of the files that the source is made of, with the line that names it.
static std::vector<std::string> files(const std::string& source) {
  std::vector<std::string> all;
  for (size_t from = 0; from < source.size();) {
    size_t to = source.find("\n#line 1 \"", from);
    to = to == std::string::npos ? source.size() : to + 1;
    all.push_back(source.substr(from, to - from));
    from = to;
  }
  return all;
}

// Writes a source to BASE.cpp with the launchers of the kernels that some of its files have, and gives what the preprocessor makes
// of it. Only kernels that the macros let through exist.
static std::string emulated(const std::string& command, const std::string& base, const std::string& source,
    const std::string& launched) {
  std::ofstream(base + ".cpp") << source << "\n";
  system((command + " -E -P " + base + ".cpp -o " + base + ".left 2>/dev/null").c_str());
  std::string visible = content(base + ".left");
  std::ofstream more(base + ".cpp", std::ios::app);
  std::regex kernel("KERNEL(?:_OF\\(.*\\))? void (\\w+)\\(");
  for (std::sregex_iterator i(launched.begin(), launched.end(), kernel), end; i != end; ++i) {
    if (visible.find("void " + (*i)[1].str() + "(") != std::string::npos) more << "EMULATE(" << (*i)[1] << ")\n";
  }
  return visible;
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
  std::string base = std::string(folder) + "/", command = "g++ -O1 -w -std=c++17 -fPIC -include " HEADER;
  for (int i = 0; i < count; i++) {
    if (!strncmp(options[i], "-D", 2)) command += std::string(" '") + options[i] + "'";
  }
  std::string others, ofHeads;
  for (const std::string& file : files(p->source)) (others.empty() || file.find("HEAD") == std::string::npos ? others : ofHeads) += file;
  // What does not depend on the heads' width is compiled once for all widths. The other files may call what is in these.
  std::string objects = std::string(HEADER) + "-objects";
  mkdir(objects.c_str(), 0777);
  std::string text = emulated(command, base + "others", others, others);
  char name[32];
  snprintf(name, sizeof name, "/%016zx.o", std::hash<std::string>()(text));
  std::string object = objects + name;
  int status = access(object.c_str(), R_OK) == 0 ? 0
      : system((command + " -c " + base + "others.cpp -o " + base + "others.o 2> " + base + "log && cp " + base + "others.o "
          + object + "." + std::to_string(getpid()) + " && mv " + object + "." + std::to_string(getpid()) + " " + object).c_str());
  if (status == 0) {
    emulated(command, base + "heads", p->source, ofHeads);
    // Both have the module's variables, which the linker makes one.
    status = system((command + " -shared -Wl,-z,muldefs " + base + "heads.cpp " + object + " -o " + base + "kernels.so 2> " + base + "log").c_str());
  }
  p->log = content(base + "log");
  p->code = content(base + "kernels.so");
  system((std::string("rm -r ") + folder).c_str());
  return status == 0 ? 0 : 6;
}
int nvrtcGetProgramLogSize(Handle p, size_t* size) { *size = p->log.size() + 1; return 0; }
int nvrtcGetProgramLog(Handle p, char* log) { strcpy(log, p->log.c_str()); return 0; }
int nvrtcGetCUBINSize(Handle p, size_t* size) { *size = p->code.size(); return 0; }
int nvrtcGetCUBIN(Handle p, char* code) { memcpy(code, p->code.data(), p->code.size()); return 0; }
}
