// What a fuzz target is: a function of bytes that must return, whatever they are. libFuzzer calls
// it (fuzz_main.cpp), and a unit test does, with the corpus (replay_test.cpp).
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"

namespace talent::fuzz {

using Target = void (*)(BytesView input);

/// By name.
std::map<std::string, Target>& Targets();

struct Registration {
  Registration(const std::string& name, Target target) { Targets()[name] = target; }
};

/// Numbers out of fuzz input; zeros behind its end, so that every input means something.
class Reader {
 public:
  explicit Reader(BytesView input) : input_(input) {}
  bool done() const { return input_.empty(); }
  std::uint8_t Byte();
  /// Below `bound`.
  std::uint32_t Below(std::uint32_t bound) { return Byte() % bound; }
  /// Mostly small; now and then at the edges of 64 bits.
  std::uint64_t Number();
  /// A length and so many bytes.
  BytesView Piece();

 private:
  BytesView input_;
};

}  // namespace talent::fuzz
