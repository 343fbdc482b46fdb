// What a peer may send about a chain, wrong in every field: no crash, no stall, nothing believed,
// and every refusal counted by its reason.
#include <gtest/gtest.h>

#include "consensus/codec.h"
#include "node/chain/snapshot_server.h"
#include "node/peers/address_book.h"
#include "support/message_changes.h"
#include "unit/node/direct_chain.h"

namespace talent::node {
namespace {

using consensus::VerifiedMessage;
using ledger::KeyOf;
using ledger::TestChain;
using support::ForEachChange;

// Consensus.

class BadConsensusFrames : public testing::Test {
 protected:
  static consensus::Position At(std::uint64_t view, std::uint64_t height) {
    return {View(view), Height(height), consensus::OrderDigest("batch")};
  }
  consensus::MessagePtr Say(consensus::Content content, int who = 1, Epoch epoch = Epoch(0)) const {
    return VerifiedMessage::Sign(KeyOf("vote v" + std::to_string(who)), target.id(), epoch,
                                 ValidatorIndex(static_cast<std::uint32_t>(who)),
                                 std::move(content));
  }
  // One of each kind, as v1 could say it.
  std::vector<consensus::MessagePtr> EveryKind() const {
    const auto proposal =
        std::make_shared<const consensus::Proposal>(consensus::Proposal{"batch", "sidecar"});
    consensus::PreparedCertificate prepared{At(0, 1), {}};
    for (std::uint32_t i = 1; i < 4; ++i) {  // not v0: it would know of it
      prepared.prepares[ValidatorIndex(i)] =
          KeyOf("vote v" + std::to_string(i))
              .Sign(crypto::Domain::kPbftSignature, target.id(),
                    consensus::PrepareBody(Epoch(0), prepared.at));
    }
    std::vector<consensus::MessagePtr> changes;
    for (int i = 1; i < 4; ++i) {
      changes.push_back(Say(consensus::ViewChange{View(1), {}, {prepared}}, i));
    }
    return {Say(consensus::PrePrepare{At(1, 1), proposal}),
            Say(consensus::Prepare{At(0, 1)}),
            Say(consensus::Commit{At(0, 1)}),
            Say(consensus::SealVote{Height(1), consensus::OrderDigest("block")}),
            changes[0],
            Say(consensus::NewView{View(1), changes}),
            Say(consensus::PeerStatus{View(0), false, Height(0), true, {Height(1)}}),
            Say(consensus::ProposalRequest{Height(1), consensus::OrderDigest("batch")}),
            Say(consensus::ProposalReply{Height(1), consensus::OrderDigest("batch"), proposal}),
            Say(consensus::Certified{Head()})};
  }
  // Of a block that v1, v2 and v3 sealed.
  static consensus::CertifiedHead Head() {
    ledger::TestChain source(4);
    const ledger::ExecutedBlock block = source.Execute({source.Put("a", "1")});
    consensus::CertifiedHead head{block.height, block.hash, block.header, {}};
    for (std::uint32_t i = 1; i < 4; ++i) {
      head.certificate.seals[ValidatorIndex(i)] = crypto::SignSeal(
          KeyOf("vote v" + std::to_string(i)), source.genesis().chain_id(), block.hash);
    }
    return head;
  }
  bool Hear(const Bytes& message, const std::string& from = "v1") {
    v1::Frame frame = target.NewFrame();
    frame.set_consensus(message);
    return target.Hear(from, std::move(frame));
  }
  std::uint64_t Counted(const std::string& reason) {
    return target.chain().status().refused[{"consensus", reason}];
  }
  void ExpectRefused(const Bytes& message, const std::string& reason, const std::string& what) {
    const auto before = Counted(reason);
    EXPECT_TRUE(Hear(message)) << what;
    EXPECT_EQ(Counted(reason), before + 1) << what << " is counted as " << reason;
    target.ExpectUnmoved(what);
  }

  DirectChain target{0};
};

TEST_F(BadConsensusFrames, OfEveryKind_AreRefusedByReason) {
  const auto is_seal = [](const consensus::MessagePtr& m) {
    return std::holds_alternative<consensus::SealVote>(m->content());
  };
  for (const auto& good : EveryKind()) {
    const std::string kind = fmt::format("kind {}", good->content().index());
    const Bytes bytes = good->Wire();
    ExpectRefused("", "invalid_argument", kind + " absent");
    ExpectRefused(bytes.substr(0, bytes.size() - 1), "invalid_argument", kind + " truncated");
    ExpectRefused(bytes + "x", "invalid_argument", kind + " longer");
    auto envelope = Decode<consensus::pb::Message>(bytes).value();
    auto& signature = is_seal(good) ? *envelope.mutable_seal()->mutable_signature()
                                    : *envelope.mutable_signed_()->mutable_signature();
    signature[5] = static_cast<char>(signature[5] ^ 1);
    ExpectRefused(Encode(envelope), "bad_signature", kind + " forged");
    if (is_seal(good)) {
      envelope.mutable_seal()->set_signer(9);
    } else {
      envelope.mutable_signed_()->set_signer(9);
    }
    ExpectRefused(Encode(envelope), "unauthorized", kind + " of a non-validator");
    const auto elsewhere = VerifiedMessage::Sign(KeyOf("vote v1"), ChainId(), Epoch(0),
                                                 ValidatorIndex(1), good->content());
    ExpectRefused(elsewhere->Wire(), "bad_signature", kind + " of another chain");
    ExpectRefused(Say(good->content(), 1, Epoch(1))->Wire(), "wrong_chain",
                  kind + " of another epoch");
  }
  EXPECT_TRUE(Hear(EveryKind()[1]->Wire(), "nobody") == false) << "a stranger is cut off";
}

TEST_F(BadConsensusFrames, Oversized_AreRefused) {
  ExpectRefused(Bytes(consensus::kMaxMessageBytes + 1, 'x'), "too_large", "over all limits");
  const auto huge =
      std::make_shared<const consensus::Proposal>(consensus::Proposal{Bytes(5 << 20, 'x'), ""});
  const consensus::Position at{View(0), Height(1), consensus::OrderDigest(huge->batch)};
  const auto before = target.Dropped();
  EXPECT_TRUE(Hear(Say(consensus::PrePrepare{at, huge}, 0)->Wire(), "v3"));
  EXPECT_TRUE(Hear(Say(consensus::ProposalReply{Height(1), at.digest, huge})->Wire()));
  EXPECT_EQ(target.Dropped(), before + 2);
  target.ExpectUnmoved("a proposal above the chain's limit");
}

TEST_F(BadConsensusFrames, Duplicates_AreDroppedByReason) {
  for (const auto& good : EveryKind()) {
    if (std::holds_alternative<consensus::NewView>(good->content())) continue;  // another view
    EXPECT_TRUE(Hear(good->Wire()));
    const auto counted = target.Dropped() + target.Refused("consensus");
    EXPECT_TRUE(Hear(good->Wire()));
    EXPECT_EQ(target.Dropped() + target.Refused("consensus"), counted + 1)
        << "kind " << good->content().index();
  }
  target.ExpectUnmoved("duplicates");
}

TEST_F(BadConsensusFrames, EveryFieldThatItsSignerSigned_MovesNothing) {
  int tried = 0;
  const auto try_one = [&](const Bytes& message, const std::string& what) {
    ++tried;
    target.world.sent.clear();
    EXPECT_TRUE(Hear(message)) << what;
    target.ExpectUnmoved(what);
    EXPECT_LE(target.world.sent.size(), 64u) << what << ": one message makes it talk";
  };
  for (const auto& good : EveryKind()) {
    const std::string kind = fmt::format("kind {}", good->content().index());
    auto message = Decode<consensus::pb::Message>(good->Wire()).value();
    ForEachChange(message, kind, [&](const std::string& what) { try_one(Encode(message), what); });
    if (!message.has_signed_()) continue;
    auto body = Decode<consensus::pb::Body>(message.signed_().body()).value();
    ForEachChange(body, kind + " body", [&](const std::string& what) {
      const Bytes bytes = Encode(body);
      message.mutable_signed_()->set_body(bytes);
      message.mutable_signed_()->set_signature(
          KeyOf("vote v1").Sign(crypto::Domain::kPbftSignature, target.id(), bytes).ToBytes());
      try_one(Encode(message), what);
    });
  }
  EXPECT_GT(tried, 300);
}

// Sync.

class BadSyncFrames : public testing::Test {
 protected:
  void SetUp() override {
    source.Commit({source.Put("a", "1"), source.Put("b", "2")});
    target = std::make_unique<DirectChain>(std::nullopt);
  }
  v1::SyncResponse Good() const {
    v1::SyncResponse response;
    *response.add_blocks() = source.chain->GetBlockWithPayloads(Height(1)).value();
    response.set_sealed(1);
    return response;
  }
  // v1 says it has a block, is asked for it, and answers.
  bool Answer(const v1::SyncResponse& response) {
    bool asked = false;
    // What failed is forgiven in time; what is not answered as asked has to time out before.
    for (int i = 0; i < 2 && !asked; ++i) {
      target->world.steady = target->world.steady + Millis(100'000);
      target->world.sent.clear();
      target->SayStatus("v1", 1);
      asked = std::ranges::any_of(target->world.sent,
                                  [](const auto& sent) { return sent.second.has_sync_request(); });
    }
    EXPECT_TRUE(asked);
    v1::Frame frame = target->NewFrame();
    *frame.mutable_sync_response() = response;
    return target->Hear("v1", std::move(frame));
  }

  TestChain source{4};
  std::unique_ptr<DirectChain> target;
};

TEST_F(BadSyncFrames, EveryFieldOfABlock_IsChecked) {
  int refused = 0;
  v1::SyncResponse response = Good();
  ForEachChange(response, "response", [&](const std::string& what) {
    const auto before = target->Refused("sync");
    EXPECT_TRUE(Answer(response)) << what;
    EXPECT_FALSE(target->chain().status().halted) << what;
    if (target->chain().chain().head().height == Height(0)) {
      ++refused;
      EXPECT_EQ(target->Refused("sync"), before + 1) << what;
      return;
    }
    // Nothing that was certified had changed.
    EXPECT_EQ(target->chain().chain().head().hash, source.chain->head().hash) << what;
    target = std::make_unique<DirectChain>(std::nullopt);
  });
  EXPECT_GT(refused, 50);
  EXPECT_TRUE(Answer(Good())) << "and it still takes what is right";
  EXPECT_EQ(target->chain().chain().head().height, Height(1));
  EXPECT_EQ(target->chain().status().reporting_peers, 1u);
}

TEST_F(BadSyncFrames, AnswersNobodyAskedFor_AreCountedAndCutOff) {
  v1::Frame frame = target->NewFrame();
  *frame.mutable_sync_response() = Good();
  EXPECT_FALSE(target->Hear("v1", frame));
  EXPECT_TRUE(Answer(v1::SyncResponse()));
  EXPECT_FALSE(target->Hear("v1", frame)) << "one answer for each question";
  EXPECT_EQ((target->chain().status().refused[{"sync", "unasked"}]), 2u);
  EXPECT_EQ((target->chain().status().refused[{"sync", "empty"}]), 1u);
  target->ExpectUnmoved("unasked");
}

TEST_F(BadSyncFrames, EveryRequest_IsAnsweredWithinTheLimits) {
  ASSERT_TRUE(Answer(Good()));
  v1::SyncRequest request;
  request.set_from(1);
  request.set_count(2);
  ForEachChange(request, "request", [&](const std::string& what) {
    target->world.sent.clear();
    v1::Frame frame = target->NewFrame();
    *frame.mutable_sync_request() = request;
    EXPECT_TRUE(target->Hear("v2", std::move(frame))) << what;
    ASSERT_EQ(target->world.sent.size(), 1u) << what;
    EXPECT_LE(target->world.sent[0].second.sync_response().blocks_size(), 1) << what;
  });
}

TEST_F(BadSyncFrames, AnyStatus_IsHeard) {
  v1::ChainStatus status;
  status.set_sealed(7);
  ForEachChange(status, "status", [&](const std::string& what) {
    target->SayStatus("v3", status.sealed());
    target->ExpectUnmoved(what);
    EXPECT_LE(target->world.sent.size(), 64u) << what;
  });
}

TEST(BadFrames, WithoutABodyOrOfStrangers_EndTheConnection) {
  DirectChain target(std::nullopt);
  EXPECT_FALSE(target.Hear("v1", target.NewFrame()));
  v1::Frame frame = target.NewFrame();
  frame.mutable_status()->set_sealed(1);
  EXPECT_FALSE(target.Hear("a stranger", frame));
  v1::Frame snapshot = target.NewFrame();
  snapshot.mutable_snapshot_response()->set_head("unasked");
  EXPECT_FALSE(target.Hear("v1", std::move(snapshot)));
  EXPECT_EQ((target.chain().status().refused[{"frame", "empty"}]), 1u);
  EXPECT_EQ((target.chain().status().refused[{"snapshot", "unasked"}]), 1u);
}

// Transactions that a peer relays.

TEST(BadTransactionFrames, EveryField_IsRefusedByReasonOrAdmitted) {
  DirectChain target(0);
  TestChain source;
  auto message = Decode<ledger::pb::Transaction>(ledger::Serialize(source.Put("k", "v"))).value();
  const auto hear = [&](const std::string& what) {
    const auto before =
        target.Refused("transaction") + target.chain().status().mempool_transactions;
    v1::Frame frame = target.NewFrame();
    frame.mutable_transactions()->add_transactions(Encode(message));
    EXPECT_TRUE(target.Hear("v1", std::move(frame))) << what;
    EXPECT_EQ(target.Refused("transaction") + target.chain().status().mempool_transactions,
              before + 1)
        << what;
    target.ExpectUnmoved(what);
  };
  int tried = 0;
  ForEachChange(message, "transaction", [&](const std::string& what) {
    ++tried;
    hear(what);
  });
  auto envelope = Decode<ledger::pb::Envelope>(message.envelope()).value();
  ForEachChange(envelope, "envelope", [&](const std::string& what) {
    ++tried;
    message.set_envelope(Encode(envelope));
    message.set_signature(KeyOf("author")
                              .Sign(crypto::Domain::kTxSignature, target.id(), message.envelope())
                              .ToBytes());
    hear(what);
  });
  EXPECT_GT(tried, 30);
  EXPECT_GT(target.Refused("transaction"), 25u);

  v1::Frame many = target.NewFrame();
  for (int i = 0; i < 1025; ++i) many.mutable_transactions()->add_transactions("x");
  EXPECT_FALSE(target.Hear("v1", std::move(many)));
  EXPECT_EQ((target.chain().status().refused[{"transaction", "too_many"}]), 1u);

  const auto before = target.chain().status().refused[{"transaction", "too_large"}];
  v1::Frame large = target.NewFrame();
  const std::size_t most = target.chain().chain().genesis().consensus().max_transaction_bytes;
  large.mutable_transactions()->add_transactions(Bytes(most + 1, 'x'));
  EXPECT_TRUE(target.Hear("v1", std::move(large)));
  EXPECT_EQ((target.chain().status().refused[{"transaction", "too_large"}]), before + 1);
}

// Snapshots and addresses.

TEST(BadSnapshotRequests, EveryField_GetsAnAnswer) {
  TestChain source;
  for (int i = 0; i < 3; ++i) source.Commit({source.Put(std::to_string(i), "v")});
  v1::SnapshotRequest requests[3];
  requests[1].set_height(3);
  requests[1].set_depth(2);
  requests[1].set_path(Bytes(32, '\x40'));
  requests[2].set_height(3);
  requests[2].set_window(3);
  for (v1::SnapshotRequest& request : requests) {
    request.set_id(77);
    ForEachChange(request, "request", [&](const std::string& what) {
      const auto answer =
          SnapshotServer::Answer(*source.database, source.genesis(), request, Height(3));
      EXPECT_EQ(answer.id(), request.id()) << what;
      EXPECT_NE(answer.answer_case(), v1::SnapshotResponse::ANSWER_NOT_SET) << what;
    });
  }
}

TEST(BadAddresses, EveryField_IsRefusedOrOfItsSigner) {
  const auto self = KeyOf("node v1");
  const ChainId chain = ChainId::FromBytes(Bytes(32, 'c')).value();
  const auto member = [&](const ChainId&, const NodeKey& key) { return key == self.public_key(); };
  AddressBook ours;
  v1::SignedAddress announced =
      ours.Announce(chain, self, "node.example:7001", Timestamp(1'700'000'000'000));
  int refused = 0;
  ForEachChange(announced, "address", [&](const std::string& what) {
    AddressBook book;
    const auto news = book.Learn(chain, announced, member);
    EXPECT_FALSE(news && *news) << what;
    EXPECT_TRUE(book.Of(chain).empty()) << what;
    ++refused;
  });
  auto statement = Decode<v1::AddressStatement>(announced.statement()).value();
  ForEachChange(statement, "statement", [&](const std::string& what) {
    announced.set_statement(Encode(statement));
    announced.set_signature(
        self.Sign(crypto::Domain::kAddressSignature, chain, announced.statement()).ToBytes());
    AddressBook book;
    const auto news = book.Learn(chain, announced, member);
    const bool taken = news && *news;
    EXPECT_EQ(book.Of(chain).size(), taken ? 1u : 0u) << what;
    EXPECT_EQ(book.Find(chain, self.public_key()).has_value(), taken) << what;
    EXPECT_TRUE(!taken || statement.address().size() <= AddressBook::kMaxAddressBytes) << what;
    refused += taken ? 0 : 1;
  });
  EXPECT_GT(refused, 12);
}

}  // namespace
}  // namespace talent::node
