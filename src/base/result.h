// Errors as values: every fallible function of the project returns Result<T> or Status.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace talent {

/// What kind of failure it was; callers branch on this, people read the message.
/// The names are stable: they travel in gRPC error details and in `talentd` output.
enum class Code {
  kInvalidArgument,  // malformed input: cannot ever be accepted as it is
  kTooLarge,         // over a stated size or count limit
  kBadSignature,     // a signature does not verify
  kWrongChain,       // meant for another chain
  kUnauthorized,     // the author, peer or client may not do this
  kExpired,          // past its valid_until height or deadline
  kDuplicate,        // already accepted once
  kNotFound,         // no such thing here
  kPruned,           // was dropped here to save space, or never fetched; other nodes may have it
  kPrecondition,     // well-formed, but the state of the chain forbids it
  kExhausted,        // a bounded resource is full; try again later
  kUnavailable,      // cannot be answered now (starting, stopping, no quorum, no peer)
  kCorruption,       // stored or served data fails its check
  kDiverged,         // a quorum certified something else than this node computed
  kWrongGenesis,     // the data directory belongs to another genesis
  kFormatVersion,    // written by another format version
  kIo,               // the operating system refused
  kInternal,         // a bug of ours
};

/// "INVALID_ARGUMENT" and so on.
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;  // what was wrong, where, and what to do; no personal data, no secrets

  /// "INVALID_ARGUMENT: genesis.json: …".
  std::string ToString() const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

template <class... Args>
tl::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// Puts "`where`: " before the message, so that an error names its way through the layers.
inline tl::unexpected<Error> Within(std::string_view where, Error error) {
  error.message = fmt::format("{}: {}", where, error.message);
  return tl::unexpected<Error>(std::move(error));
}

namespace internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line,
                              const std::string& message);

// tl::expected<void, E>::value() has no overload for a moved-from result.
inline void Take(Status&& /*ok*/) {}
template <class T>
T Take(Result<T>&& ok) {
  return std::move(ok).value();
}
}  // namespace internal

}  // namespace talent

// Value of `expr`, or return its error from the enclosing function. Not for coroutines, nor inside
// the braces of an aggregate: gcc 12 leaks the members before it when it returns from there.
#define TRY(expr) TRY_NAMED(expr, TRY_NAME(__COUNTER__))
#define TRY_NAMED(expr, result) TRY_IMPL(expr, result)
#define TRY_IMPL(expr, result)                                                      \
  ({                                                                                \
    auto result = (expr);                                                           \
    if (!result) return tl::unexpected<::talent::Error>(std::move(result).error()); \
    ::talent::internal::Take(std::move(result));                                    \
  })
#define TRY_NAME(n) TRY_CONCAT(try_result_, n)
#define TRY_CONCAT(a, n) a##n

// An invariant of ours; in release builds too. Bad input is never a CHECK.
#define CHECK(condition, ...)                                         \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::talent::internal::CheckFailed(#condition, __FILE__, __LINE__, \
                                      ::fmt::format("" __VA_ARGS__)); \
  } while (false)
