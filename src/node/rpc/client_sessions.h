// Who has logged in: challenges given out and bearer tokens in force.
#pragma once

#include <deque>
#include <map>
#include <mutex>

#include "base/env.h"
#include "base/strong.h"
#include "crypto/ed25519.h"

namespace talent::node {

/// Thread-safe. Tokens live in memory only: a restart of the node ends them.
class ClientSessions {
 public:
  static constexpr Millis kChallengeLifetime{60'000};      // a client answers within one round trip
  static constexpr Millis kTokenLifetime{12 * 3'600'000};  // a working day
  /// Beyond it the key's oldest challenge is forgotten, so that no party pushes out those of
  /// others.
  static constexpr std::size_t kMaxChallengesPerKey = 16;
  /// Beyond it the oldest of all is forgotten: so many only when 256 keys are at their bound.
  static constexpr std::size_t kMaxChallenges = 4096;
  /// Beyond it the key's oldest token ends, so that no party can use up the table.
  static constexpr std::size_t kMaxTokensPerKey = 16;
  static constexpr std::size_t kMaxTokens = 16'384;  // about 4 MB

  /// Both must outlive the sessions.
  ClientSessions(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  /// 32 random bytes for `key` to sign under Domain::kClientAuth; good for one Login.
  Bytes NewChallenge(const ChainId& chain, const crypto::PublicKey& key);

  struct Token {
    std::string text;  // 64 hex digits
    Timestamp expires;
  };
  /// Uses up `challenge` whatever the outcome. Whether the key may log in at all is the caller's
  /// question. Errors: kUnauthorized (challenge unknown, used before, or given to another key),
  /// kExpired, kBadSignature, kExhausted (too many clients are logged in).
  Result<Token> Login(const ChainId& chain, const crypto::PublicKey& key, BytesView challenge,
                      const crypto::Signature& signature);

  struct Session {
    crypto::PublicKey key;
    Timestamp expires;
  };
  /// Errors: kUnauthorized (unknown, or made for another chain), kExpired.
  Result<Session> Find(const ChainId& chain, std::string_view token) const;

 private:
  /// To whom a challenge or token was given, and until when.
  struct Grant {
    ChainId chain;
    crypto::PublicKey key;
    Timestamp expires;
  };

  Status MakeRoomForToken(const ChainId& chain, const crypto::PublicKey& key, Timestamp now);

  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  struct Challenge {
    Bytes text;
    Grant grant;
  };
  std::deque<Challenge> challenges_;  // oldest first
  std::map<Hash, Grant> tokens_;      // by hash: looking up leaks nothing of a token by its timing
};

}  // namespace talent::node
