#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace talent {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kTooLarge:
      return "TOO_LARGE";
    case Code::kBadSignature:
      return "BAD_SIGNATURE";
    case Code::kWrongChain:
      return "WRONG_CHAIN";
    case Code::kUnauthorized:
      return "UNAUTHORIZED";
    case Code::kExpired:
      return "EXPIRED";
    case Code::kDuplicate:
      return "DUPLICATE";
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kPruned:
      return "PRUNED";
    case Code::kPrecondition:
      return "PRECONDITION";
    case Code::kExhausted:
      return "EXHAUSTED";
    case Code::kUnavailable:
      return "UNAVAILABLE";
    case Code::kCorruption:
      return "CORRUPTION";
    case Code::kDiverged:
      return "DIVERGED";
    case Code::kWrongGenesis:
      return "WRONG_GENESIS";
    case Code::kFormatVersion:
      return "FORMAT_VERSION";
    case Code::kIo:
      return "IO";
    case Code::kInternal:
      return "INTERNAL";
  }
  return "INTERNAL";
}

std::string Error::ToString() const { return fmt::format("{}: {}", CodeName(code), message); }

namespace internal {

void CheckFailed(const char* condition, const char* file, int line, const std::string& message) {
  fmt::print(stderr, "{}:{}: invariant broken: {} {}\n", file, line, condition, message);
  std::fflush(stderr);
  std::abort();
}

}  // namespace internal
}  // namespace talent
