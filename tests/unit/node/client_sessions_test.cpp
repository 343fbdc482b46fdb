#include "node/rpc/client_sessions.h"

#include <gtest/gtest.h>

#include "unit/node/test_env.h"

namespace talent::node {
namespace {

class ClientSessionsTest : public testing::Test {
 protected:
  crypto::Signature Sign(BytesView challenge) const {
    return key_.Sign(crypto::Domain::kClientAuth, chain_, challenge);
  }
  Result<ClientSessions::Token> LogIn() {
    const Bytes challenge = sessions_.NewChallenge(chain_, key_.public_key());
    return sessions_.Login(chain_, key_.public_key(), challenge, Sign(challenge));
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  ClientSessions sessions_{clock_, random_};
  const crypto::KeyPair key_ = crypto::KeyPair::Generate(random_);
  const ChainId chain_ = *ChainId::FromBytes(Bytes(32, 'c'));
  const ChainId other_chain_ = *ChainId::FromBytes(Bytes(32, 'd'));
};

TEST_F(ClientSessionsTest, SignedChallenge_GivesATokenOfThatKey) {
  const auto token = LogIn();
  ASSERT_TRUE(token) << token.error().ToString();
  const auto session = sessions_.Find(chain_, token->text);
  ASSERT_TRUE(session) << session.error().ToString();
  EXPECT_EQ(session->key, key_.public_key());
}

TEST_F(ClientSessionsTest, Challenge_IsGoodForOneLogin) {
  const Bytes challenge = sessions_.NewChallenge(chain_, key_.public_key());
  ASSERT_TRUE(sessions_.Login(chain_, key_.public_key(), challenge, Sign(challenge)));
  const auto again = sessions_.Login(chain_, key_.public_key(), challenge, Sign(challenge));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kUnauthorized);
}

TEST_F(ClientSessionsTest, FailedLogin_UsesUpTheChallenge) {
  const Bytes challenge = sessions_.NewChallenge(chain_, key_.public_key());
  const auto refused = sessions_.Login(chain_, key_.public_key(), challenge, crypto::Signature());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBadSignature);
  EXPECT_FALSE(sessions_.Login(chain_, key_.public_key(), challenge, Sign(challenge)));
}

TEST_F(ClientSessionsTest, Challenge_IsForItsKeyAndChain) {
  const crypto::KeyPair stranger = crypto::KeyPair::Generate(random_);
  const Bytes first = sessions_.NewChallenge(chain_, key_.public_key());
  EXPECT_FALSE(sessions_.Login(chain_, stranger.public_key(), first,
                               stranger.Sign(crypto::Domain::kClientAuth, chain_, first)));
  const Bytes second = sessions_.NewChallenge(chain_, key_.public_key());
  EXPECT_FALSE(sessions_.Login(other_chain_, key_.public_key(), second,
                               key_.Sign(crypto::Domain::kClientAuth, other_chain_, second)));
}

TEST_F(ClientSessionsTest, Challenge_EndsAfterItsLifetime) {
  const Bytes challenge = sessions_.NewChallenge(chain_, key_.public_key());
  clock_.Advance(ClientSessions::kChallengeLifetime + 1);
  const auto late = sessions_.Login(chain_, key_.public_key(), challenge, Sign(challenge));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kExpired);
}

TEST_F(ClientSessionsTest, Token_EndsAfterItsLifetime) {
  const auto token = LogIn();
  ASSERT_TRUE(token);
  clock_.Advance(ClientSessions::kTokenLifetime);
  EXPECT_TRUE(sessions_.Find(chain_, token->text));
  clock_.Advance(Millis(1));
  const auto late = sessions_.Find(chain_, token->text);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kExpired);
}

TEST_F(ClientSessionsTest, Token_IsForItsChain) {
  const auto token = LogIn();
  ASSERT_TRUE(token);
  EXPECT_EQ(sessions_.Find(other_chain_, token->text).error().code, Code::kUnauthorized);
  EXPECT_EQ(sessions_.Find(chain_, "guess").error().code, Code::kUnauthorized);
}

TEST_F(ClientSessionsTest, ManyChallenges_ForgetTheKeysOldest) {
  const Bytes first = sessions_.NewChallenge(chain_, key_.public_key());
  const Bytes second = sessions_.NewChallenge(chain_, key_.public_key());
  for (std::size_t i = 2; i <= ClientSessions::kMaxChallengesPerKey; ++i) {
    sessions_.NewChallenge(chain_, key_.public_key());
  }
  EXPECT_FALSE(sessions_.Login(chain_, key_.public_key(), first, Sign(first)));
  EXPECT_TRUE(sessions_.Login(chain_, key_.public_key(), second, Sign(second)));
}

TEST_F(ClientSessionsTest, ManyChallenges_PushOutNobodyElses) {
  const Bytes ours = sessions_.NewChallenge(chain_, key_.public_key());
  const auto greedy = crypto::KeyPair::Generate(random_).public_key();
  for (std::size_t i = 0; i <= ClientSessions::kMaxChallenges; ++i) {
    sessions_.NewChallenge(chain_, greedy);
  }
  EXPECT_TRUE(sessions_.Login(chain_, key_.public_key(), ours, Sign(ours)));
}

TEST_F(ClientSessionsTest, ChallengesOfManyKeys_AreBounded) {
  const Bytes first = sessions_.NewChallenge(chain_, key_.public_key());
  crypto::PublicKey other;
  for (std::size_t i = 0; i < ClientSessions::kMaxChallenges; ++i) {
    other.data()[0] = static_cast<std::uint8_t>(i);
    other.data()[1] = static_cast<std::uint8_t>(i >> 8);
    sessions_.NewChallenge(chain_, other);
  }
  EXPECT_FALSE(sessions_.Login(chain_, key_.public_key(), first, Sign(first)));
}

TEST_F(ClientSessionsTest, ManyLogins_EndTheKeysOldestToken) {
  const auto first = LogIn();
  ASSERT_TRUE(first);
  for (std::size_t i = 1; i < ClientSessions::kMaxTokensPerKey; ++i) {
    clock_.Advance(Millis(1));
    ASSERT_TRUE(LogIn());
  }
  EXPECT_TRUE(sessions_.Find(chain_, first->text));
  ASSERT_TRUE(LogIn());
  EXPECT_FALSE(sessions_.Find(chain_, first->text));
}

}  // namespace
}  // namespace talent::node
