#include "node/rpc/client_sessions.h"

#include <algorithm>

#include "crypto/sha256.h"

namespace talent::node {
namespace {
constexpr std::size_t kSecretBytes = 32;
}

Bytes ClientSessions::NewChallenge(const ChainId& chain, const crypto::PublicKey& key) {
  Bytes challenge = random_.Draw(kSecretBytes);
  const Timestamp expires = clock_.Now() + kChallengeLifetime;
  const std::lock_guard lock(mutex_);
  const auto of_key = [&](const Challenge& given) {
    return given.grant.chain == chain && given.grant.key == key;
  };
  const auto had = std::count_if(challenges_.begin(), challenges_.end(), of_key);
  if (static_cast<std::size_t>(had) >= kMaxChallengesPerKey) {
    challenges_.erase(std::find_if(challenges_.begin(), challenges_.end(), of_key));
  } else if (challenges_.size() >= kMaxChallenges) {
    challenges_.pop_front();
  }
  challenges_.push_back({challenge, Grant{chain, key, expires}});
  return challenge;
}

Result<ClientSessions::Token> ClientSessions::Login(const ChainId& chain,
                                                    const crypto::PublicKey& key,
                                                    BytesView challenge,
                                                    const crypto::Signature& signature) {
  const Timestamp now = clock_.Now();
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(challenges_.begin(), challenges_.end(),
                   [&](const Challenge& outstanding) { return outstanding.text == challenge; });
  if (found == challenges_.end()) {
    return Fail(Code::kUnauthorized,
                "the challenge is unknown or was used before: ask for a new one");
  }
  const Grant given = found->grant;
  challenges_.erase(found);
  if (given.chain != chain || given.key != key) {
    return Fail(Code::kUnauthorized, "the challenge was given to another key or chain");
  }
  if (now > given.expires) {
    return Fail(Code::kExpired, "the challenge ended after {} s: ask for a new one",
                kChallengeLifetime.value / 1000);
  }
  if (!crypto::Verify(key, crypto::Domain::kClientAuth, chain, challenge, signature)) {
    return Fail(Code::kBadSignature, "the signature over the challenge does not verify with key {}",
                key.Hex());
  }
  TRY(MakeRoomForToken(chain, key, now));
  Token token{ToHex(random_.Draw(kSecretBytes)), now + kTokenLifetime};
  tokens_.insert_or_assign(crypto::Sha256(token.text), Grant{chain, key, token.expires});
  return token;
}

Status ClientSessions::MakeRoomForToken(const ChainId& chain, const crypto::PublicKey& key,
                                        Timestamp now) {
  std::erase_if(tokens_, [&](const auto& token) { return now > token.second.expires; });
  std::size_t of_key = 0;
  auto oldest = tokens_.end();
  for (auto it = tokens_.begin(); it != tokens_.end(); ++it) {
    if (it->second.chain != chain || it->second.key != key) continue;
    ++of_key;
    if (oldest == tokens_.end() || it->second.expires < oldest->second.expires) oldest = it;
  }
  if (of_key >= kMaxTokensPerKey) tokens_.erase(oldest);
  if (tokens_.size() >= kMaxTokens) {
    return Fail(Code::kExhausted, "{} clients are logged in, which is all this node takes",
                kMaxTokens);
  }
  return {};
}

Result<ClientSessions::Session> ClientSessions::Find(const ChainId& chain,
                                                     std::string_view token) const {
  const Hash hash = crypto::Sha256(token);
  const Timestamp now = clock_.Now();
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end()) {
    return Fail(Code::kUnauthorized, "the bearer token is unknown here: log in again");
  }
  if (found->second.chain != chain) {
    return Fail(Code::kUnauthorized,
                "the bearer token is for chain {}: log in on chain {} for one of its own",
                found->second.chain.Hex(), chain.Hex());
  }
  if (now > found->second.expires) {
    return Fail(Code::kExpired, "the bearer token has ended: log in again");
  }
  return Session{found->second.key, found->second.expires};
}

}  // namespace talent::node
