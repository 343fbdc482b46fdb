// libFuzzer's way in. TALENT_FUZZ_TARGET names the target; scripts/fuzz sets it.
#include <cstdio>
#include <cstdlib>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const talent::fuzz::Target target = [] {
    const char* name = std::getenv("TALENT_FUZZ_TARGET");
    const auto& targets = talent::fuzz::Targets();
    const auto it = targets.find(name == nullptr ? "" : name);
    if (it != targets.end()) return it->second;
    std::fputs("TALENT_FUZZ_TARGET is one of:\n", stderr);
    for (const auto& [known, unused] : targets) std::fprintf(stderr, "  %s\n", known.c_str());
    std::exit(2);
  }();
  target({reinterpret_cast<const char*>(data), size});
  return 0;
}
