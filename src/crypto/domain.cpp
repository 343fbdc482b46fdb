#include "crypto/domain.h"

#include <array>

namespace talent::crypto {
namespace {

constexpr std::size_t kTagSize = 32;

struct Tag {
  char text[kTagSize] = {};
  template <std::size_t N>
  constexpr explicit Tag(const char (&literal)[N]) {
    static_assert(N <= kTagSize);
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
};

// In the order of enum Domain.
constexpr std::array kTags = {
    Tag("talent/genesis/v1"),    Tag("talent/envelope/v1"),     Tag("talent/payload/v1"),
    Tag("talent/header/v1"),     Tag("talent/validators/v1"),   Tag("talent/batch/v1"),
    Tag("talent/state-key/v1"),  Tag("talent/state-value/v1"),  Tag("talent/review-commit/v1"),
    Tag("talent/subject/v1"),    Tag("talent/sign/tx/v1"),      Tag("talent/sign/cosign/v1"),
    Tag("talent/sign/pbft/v1"),  Tag("talent/sign/seal/v1"),    Tag("talent/sign/client-auth/v1"),
    Tag("talent/sign/offer/v1"), Tag("talent/sign/address/v1"),
};
static_assert(kTags.size() == static_cast<std::size_t>(Domain::kAddressSignature) + 1);

}  // namespace

BytesView DomainTag(Domain domain) {
  return {kTags[static_cast<std::size_t>(domain)].text, kTagSize};
}

Bytes SigningInput(Domain domain, const ChainId& chain, BytesView body) {
  Bytes out;
  out.reserve(kTagSize + ChainId::kSize + body.size());
  out.append(DomainTag(domain)).append(chain.View()).append(body);
  return out;
}

}  // namespace talent::crypto
