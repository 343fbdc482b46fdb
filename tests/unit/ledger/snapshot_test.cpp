#include "ledger/snapshot.h"

#include <gmock/gmock.h>
#include <zstd.h>

#include "base/file.h"
#include "ledger/snapshot_files.h"
#include "test_chain.h"

namespace talent::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A chain of over two chunks of state that went on after the snapshot's height.
class Snapshot : public ::testing::Test {
 protected:
  static constexpr Height kAt{8};

  void SetUp() override {
    early_ = source_.Make("Put", "early=1", 9);
    source_.Commit({early_});
    for (int block = 2; block <= 8; ++block) {
      std::vector<Transaction> batch;
      for (int i = 0; i < 7; ++i) {
        batch.push_back(source_.Put("key" + std::to_string(block) + "-" + std::to_string(i),
                                    Bytes(50'000, static_cast<char>('a' + i))));
      }
      source_.Commit(batch);
    }
    late_ = source_.Put("late", "1");
    source_.Commit({source_.Put("key2-0", "changed"), source_.Make("Delete", "key3-0"), late_});
    hash_at_ = BlockHash(source_.chain->GetHeader(kAt)->header());
  }

  SnapshotSource Open(Height at = kAt) {
    auto source = SnapshotSource::Open(*source_.database, source_.genesis(), at);
    CHECK(source.has_value(), "{}", source.error().ToString());
    return std::move(*source);
  }
  std::filesystem::path Written() {
    const auto dir = source_.dir.path() / "snapshot";
    const auto manifest = WriteSnapshot(Open(), dir, {});
    CHECK(manifest.has_value(), "{}", manifest.error().ToString());
    manifest_ = *manifest;
    return dir;
  }
  Result<TrustedHeader> Restore(TestChain& node, const std::filesystem::path& dir,
                                const std::optional<PinnedBlock>& pinned = std::nullopt) {
    node.chain.reset();
    return RestoreSnapshot(*node.database, node.genesis(), node.app, dir, pinned, {});
  }
  /// Another node, started from the snapshot.
  void Join(TestChain& node) {
    const auto restored = Restore(node, Written());
    ASSERT_TRUE(restored) << restored.error().ToString();
    node.Reopen();
  }
  Status Follow(TestChain& node) {
    while (node.chain->head().height < source_.chain->head().height) {
      TRY(node.chain->Apply(
          TRY(source_.chain->GetBlockWithPayloads(node.chain->head().height + 1))));
    }
    return {};
  }
  Bytes ReadAll(const std::filesystem::path& file) { return ReadFile(file, 64u << 20).value(); }
  void Overwrite(const std::filesystem::path& file, BytesView bytes) {
    ASSERT_TRUE(WriteFile(file, bytes, 0600, IfExists::kReplace));
  }

  TestChain source_;
  Transaction early_, late_;
  Hash hash_at_;
  pb::SnapshotManifest manifest_;
};

TEST_F(Snapshot, RestoredNode_HasTheStateAndGoesOn) {
  TestChain node;
  Join(node);
  EXPECT_GT(manifest_.state_chunks(), 2u);
  EXPECT_EQ(node.chain->head().height, kAt);
  EXPECT_EQ(node.chain->head().hash, hash_at_);
  EXPECT_EQ(node.chain->SealedState()->Get("kv/key3-0"), Bytes(50'000, 'a'));
  EXPECT_EQ(node.chain->SealedState()->Get("kv/key2-0"), Bytes(50'000, 'a'));
  const Status followed = Follow(node);
  ASSERT_TRUE(followed) << followed.error().ToString();
  EXPECT_EQ(node.chain->head().hash, source_.chain->head().hash);
  node.Reopen();
  EXPECT_EQ(node.chain->SealedState()->Get("kv/key2-0"), "changed");
  EXPECT_FALSE(node.chain->SealedState()->Get("kv/key3-0"));
  EXPECT_TRUE(node.chain->ProveState("kv/late", Height(9)));
}

// Transactions of before the snapshot come again: in time, then too late.
TEST_F(Snapshot, RestoredNode_GivesTheReceiptsOfANodeWithTheWholeChain) {
  TestChain node;
  Join(node);
  ASSERT_TRUE(Follow(node));
  const Transaction early = early_;  // valid until 9
  const Transaction again = late_;
  const Transaction old = source_.Put("old", "1");
  EXPECT_THAT(
      source_.Commit({early, again, old}).receipts,
      ElementsAre(pb::RECEIPT_CODE_EXPIRED, pb::RECEIPT_CODE_DUPLICATE, pb::RECEIPT_CODE_OK));
  ASSERT_TRUE(Follow(node));
  EXPECT_EQ(node.chain->head().hash, source_.chain->head().hash);
}

TEST_F(Snapshot, RestoredNode_RefusesARepetitionOfWhatItNeverSaw) {
  TestChain node;
  Join(node);
  const auto seen = source_.chain->GetTransaction(
      TransactionId(source_.chain->GetBlock(Height(5))->transactions(0).envelope()));
  ASSERT_TRUE(seen);
  EXPECT_THAT(node.Execute({*seen}).receipts, ElementsAre(pb::RECEIPT_CODE_DUPLICATE));
}

TEST_F(Snapshot, RestoredNode_SaysWhatItDoesNotHave) {
  TestChain node;
  Join(node);
  ASSERT_TRUE(Follow(node));
  const auto block = node.chain->GetBlockWithPayloads(Height(3));
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().code, Code::kPruned);
  EXPECT_THAT(block.error().message, HasSubstr("from height 9 on"));
  EXPECT_EQ(node.chain->GetHeader(Height(3)).error().code, Code::kPruned);
  EXPECT_EQ(node.chain->ProveState("kv/key2-0", Height(7)).error().code, Code::kPruned);
  EXPECT_EQ(node.chain->GetTransaction(early_.id).error().code, Code::kPruned);
  EXPECT_EQ(node.chain->GetBlock(Height(99)).error().code, Code::kNotFound);
  EXPECT_TRUE(node.chain->GetBlock(Height(9)));
  EXPECT_EQ(node.chain->known_from(), Height(9));
  EXPECT_EQ(source_.chain->known_from(), Height(0));
}

TEST_F(Snapshot, RestoredNode_VerifiesFromItsSnapshotOn) {
  TestChain node;
  Join(node);
  ASSERT_TRUE(Follow(node));
  const auto report = VerifyStoredChain(*node.database, node.genesis(), node.app, {});
  ASSERT_TRUE(report) << report.error().ToString();
  EXPECT_EQ(report->base, kAt);
  EXPECT_EQ(report->executed, Height(9));
}

TEST_F(Snapshot, ChunksAreTheSameFromEveryNode) {
  TestChain node;
  Join(node);
  ASSERT_TRUE(Follow(node));
  const auto other = SnapshotSource::Open(*node.database, node.genesis(), Height(9));
  ASSERT_TRUE(other) << other.error().ToString();
  const SnapshotSource own = Open(Height(9));
  std::size_t chunks = 0;
  ASSERT_TRUE(WalkStatePlaces([&](const StateSubtree& place) -> Status {
    const auto theirs = other->StateChunk(place);
    const auto ours = own.StateChunk(place);
    EXPECT_EQ(theirs.has_value(), ours.has_value());
    EXPECT_EQ(TRY(theirs).packed, TRY(ours).packed);
    ++chunks;
    return {};
  }));
  EXPECT_GT(chunks, 2u);
  EXPECT_EQ(other->WindowChunk(Height(9))->packed, own.WindowChunk(Height(9))->packed);
}

TEST(SnapshotChunk, EveryFlippedByteOfStateIsRefused) {
  TestChain node;
  for (int i = 0; i < 6; ++i) node.Commit({node.Put("k" + std::to_string(i), "value")});
  const auto source = SnapshotSource::Open(*node.database, node.genesis(), Height(6));
  ASSERT_TRUE(source);
  const Hash root = node.chain->head().state_root;
  // The whole state, and one half with its path to the root.
  for (const StateSubtree& place : {StateSubtree(), StateSubtree().Halves().second}) {
    const auto chunk = source->StateChunk(place);
    ASSERT_TRUE(chunk) << chunk.error().ToString();
    ASSERT_TRUE(ReadStateChunk(chunk->packed, root));
    Bytes raw = InflateChunk(chunk->packed).value();
    for (std::size_t i = 0; i < raw.size(); ++i) {
      raw[i] = static_cast<char>(raw[i] ^ 1);
      EXPECT_FALSE(ReadStateChunk(PackChunk(raw), root)) << i;
      raw[i] = static_cast<char>(raw[i] ^ 1);
    }
    for (std::size_t i = 0; i < raw.size(); ++i) {
      EXPECT_FALSE(ReadStateChunk(PackChunk(raw.substr(0, i)), root)) << i;
    }
  }
}

TEST(SnapshotChunk, EveryFlippedByteOfTheWindowIsRefused) {
  TestChain node;
  for (int i = 0; i < 3; ++i) node.Commit({node.Put("k" + std::to_string(i), "value")});
  const auto source = SnapshotSource::Open(*node.database, node.genesis(), Height(3));
  ASSERT_TRUE(source);
  const Hash newest = node.chain->head().hash;
  Bytes raw = InflateChunk(source->WindowChunk(Height(3))->packed).value();
  ASSERT_EQ(ReadWindowChunk(PackChunk(raw), Height(3), newest)->size(), 3u);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    raw[i] = static_cast<char>(raw[i] ^ 1);
    EXPECT_FALSE(ReadWindowChunk(PackChunk(raw), Height(3), newest)) << i;
    raw[i] = static_cast<char>(raw[i] ^ 1);
  }
}

TEST_F(Snapshot, AnotherHeightsChunk_IsRefused) {
  const auto now = Open(Height(9)).StateChunk(StateSubtree().Halves().first.Halves().first);
  ASSERT_TRUE(now) << now.error().ToString();
  const auto read = ReadStateChunk(
      now->packed,
      Hash::FromBytes(
          Decode<pb::BlockHeader>(source_.chain->GetHeader(kAt)->header())->state_root())
          .value());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCorruption);
}

TEST(SnapshotChunk, WhatInflatesToTooMuchIsRefusedUnread) {
  const Bytes bomb(kMaxInflatedChunk + 1, '\0');
  EXPECT_EQ(InflateChunk(PackChunk(bomb)).error().code, Code::kTooLarge);
  const Bytes good = PackChunk("x");
  EXPECT_EQ(InflateChunk(good).value(), "x");
  EXPECT_FALSE(InflateChunk(good + "y"));
  EXPECT_FALSE(InflateChunk(good + good));
  EXPECT_FALSE(InflateChunk(BytesView(good).substr(0, good.size() - 1)));
  EXPECT_FALSE(InflateChunk({}));
  EXPECT_FALSE(InflateChunk(Bytes(kMaxPackedChunk + 1, 'x')));
}

TEST_F(Snapshot, DamagedFile_IsNamedAndTheRestoreGoesOnOnceItIsMended) {
  const auto dir = Written();
  const Bytes good = ReadAll(dir / "state-00001");
  Overwrite(dir / "state-00001", BytesView(good).substr(0, good.size() / 2));
  EXPECT_THAT(VerifySnapshot(source_.genesis(), dir, {}).error().message, HasSubstr("state-00001"));
  TestChain node;
  const auto refused = Restore(node, dir);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("state-00001"));
  // The home says so.
  const auto opened = Chain::Open(*node.database, node.genesis(), node.app);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
  EXPECT_THAT(opened.error().message, HasSubstr("unfinished"));
  EXPECT_TRUE(*SnapshotRestore::Unfinished(*node.database, node.genesis().chain_id()));

  Overwrite(dir / "state-00001", good);
  std::vector<std::uint64_t> entries;
  const auto restored =
      RestoreSnapshot(*node.database, node.genesis(), node.app, dir, std::nullopt,
                      [&](const SnapshotProgress& done) { entries.push_back(done.entries); });
  ASSERT_TRUE(restored) << restored.error().ToString();
  EXPECT_GT(entries.front(), 0u);  // of the first run
  node.Reopen();
  EXPECT_EQ(node.chain->head().hash, hash_at_);
}

TEST_F(Snapshot, MissingFile_IsRefused) {
  const auto dir = Written();
  std::filesystem::remove(dir / "state-00002");
  EXPECT_EQ(VerifySnapshot(source_.genesis(), dir, {}).error().code, Code::kNotFound);
  std::filesystem::remove(dir / "manifest");
  EXPECT_EQ(VerifySnapshot(source_.genesis(), dir, {}).error().code, Code::kNotFound);
}

TEST_F(Snapshot, ManifestWithFewerChunks_IsRefused) {
  const auto dir = Written();
  manifest_.set_state_chunks(manifest_.state_chunks() - 1);
  Overwrite(dir / "manifest", Encode(manifest_));
  EXPECT_THAT(VerifySnapshot(source_.genesis(), dir, {}).error().message, HasSubstr("is missing"));
  TestChain node;
  EXPECT_EQ(Restore(node, dir).error().code, Code::kPrecondition);
}

TEST_F(Snapshot, ForgedHeader_IsRefused) {
  const auto dir = Written();
  auto& certificate = *manifest_.mutable_head()->mutable_header()->mutable_certificate();
  certificate.mutable_seals()->RemoveLast();
  Overwrite(dir / "manifest", Encode(manifest_));
  TestChain node;
  EXPECT_THAT(Restore(node, dir).error().message, HasSubstr("certificate"));
  node.Reopen();  // nothing was begun
  EXPECT_EQ(node.chain->head().height, Height(0));
}

TEST_F(Snapshot, PinnedBlock_MustBeInItsHistory) {
  const auto dir = Written();
  TestChain node;
  const auto older = Restore(node, dir, PinnedBlock{Height(9), source_.chain->head().hash});
  ASSERT_FALSE(older);
  EXPECT_THAT(older.error().message, HasSubstr("older than the pinned block"));
  EXPECT_EQ(Restore(node, dir, PinnedBlock{Height(4), Hash()}).error().code, Code::kDiverged);
  const Hash fourth = BlockHash(source_.chain->GetHeader(Height(4))->header());
  const auto restored = Restore(node, dir, PinnedBlock{Height(4), fourth});
  EXPECT_TRUE(restored) << restored.error().ToString();
}

TEST_F(Snapshot, PinnedBlock_IsCheckedThoughAnEarlierRunAddedIt) {
  const auto dir = Written();
  TestChain node;
  node.chain.reset();
  const SnapshotSource source = Open();
  auto begun =
      SnapshotRestore::Begin(*node.database, node.genesis(), node.app, source.Head().value());
  ASSERT_TRUE(begun) << begun.error().ToString();
  while (const auto newest = begun->next_window()) {
    ASSERT_TRUE(begun->AddWindow(source.WindowChunk(*newest)->packed));
  }
  EXPECT_EQ(Restore(node, dir, PinnedBlock{Height(4), Hash()}).error().code, Code::kDiverged);
  EXPECT_TRUE(Restore(node, dir));
}

TEST_F(Snapshot, OlderOneThanWasBegun_IsRefused) {
  const auto dir = Written();
  TestChain node;
  node.chain.reset();
  ASSERT_TRUE(SnapshotRestore::Begin(*node.database, node.genesis(), node.app,
                                     Open(kAt + 1).Head().value()));
  EXPECT_EQ(Restore(node, dir).error().code, Code::kPrecondition)
      << "it would meet transactions of its future in the index";
}

TEST(SnapshotEpochs, JoinedNode_ComesThroughThemFromTheGenesisAlone) {
  TestChain source;
  source.Commit({source.Make("EndEpoch", "5=v0,v1,v2,v3,v4")});
  for (int height = 2; height <= 7; ++height) source.Commit({});
  const auto dir = source.dir.path() / "snapshot";
  const auto opened = SnapshotSource::Open(*source.database, source.genesis(), Height(7));
  ASSERT_TRUE(opened) << opened.error().ToString();
  ASSERT_TRUE(WriteSnapshot(*opened, dir, {}));
  ASSERT_TRUE(VerifySnapshot(source.genesis(), dir, {}));
  TestChain node;
  node.chain.reset();
  const auto restored =
      RestoreSnapshot(*node.database, node.genesis(), node.app, dir, std::nullopt, {});
  ASSERT_TRUE(restored) << restored.error().ToString();
  node.Reopen();
  EXPECT_EQ(node.chain->validators()->epoch(), Epoch(1));
  // It seals, proves and serves as the others do.
  const Transaction tx = source.Put("a", "1");
  source.Commit({tx});
  ASSERT_TRUE(node.chain->Apply(*source.chain->GetBlockWithPayloads(Height(8))));
  const auto proof = BuildTransactionProof(*node.chain, tx.id);
  ASSERT_TRUE(proof) << proof.error().ToString();
  EXPECT_TRUE(VerifyTransactionProof(node.genesis(), *proof));
  EXPECT_TRUE(SnapshotSource::Open(*node.database, node.genesis(), Height(8)));
  source.Commit({source.Make("EndEpoch", "13=v0,v1,v2,v3")});
  for (int height = 10; height <= 14; ++height) source.Commit({});
  while (node.chain->head().height < Height(14)) {
    const Height next = node.chain->head().height + 1;
    ASSERT_TRUE(node.chain->Apply(*source.chain->GetBlockWithPayloads(next)));
  }
  const auto verified = VerifyStoredChain(*node.database, node.genesis(), node.app, {});
  EXPECT_TRUE(verified) << verified.error().ToString();
  // Without the change, the header is nobody's.
  pb::SnapshotHead head = opened->Head().value();
  head.clear_epochs();
  EXPECT_FALSE(VerifySnapshotHead(source.genesis(), head));
}

TEST_F(Snapshot, HeadWithAnUnknownField_IsRefusedBeforeItIsStored) {
  TestChain node;
  node.chain.reset();
  pb::SnapshotHead head = Open().Head().value();
  auto& change = *head.mutable_header();
  change.GetReflection()->MutableUnknownFields(&change)->AddVarint(99, 1);
  EXPECT_FALSE(SnapshotRestore::Begin(*node.database, node.genesis(), node.app, head));
  node.Reopen();
  EXPECT_EQ(node.chain->head().height, Height(0));
}

TEST_F(Snapshot, WrongPin_DropsNothing) {
  const auto dir = Written();
  TestChain node;
  for (Height at(1); at <= Height(3); ++at) {
    ASSERT_TRUE(node.chain->Apply(*source_.chain->GetBlockWithPayloads(at)));
  }
  EXPECT_EQ(Restore(node, dir, PinnedBlock{Height(4), Hash()}).error().code, Code::kDiverged);
  node.Reopen();
  EXPECT_EQ(node.chain->head().height, Height(3));
  EXPECT_EQ(node.chain->SealedState()->Get("kv/key2-0"), Bytes(50'000, 'a'));
  ASSERT_TRUE(Follow(node));
}

TEST_F(Snapshot, RightPin_IsFoundBeforeTheStateIsReplaced) {
  TestChain node;
  for (Height at(1); at <= Height(3); ++at) {
    ASSERT_TRUE(node.chain->Apply(*source_.chain->GetBlockWithPayloads(at)));
  }
  const Hash fourth = BlockHash(source_.chain->GetHeader(Height(4))->header());
  const auto restored = Restore(node, Written(), PinnedBlock{Height(4), fourth});
  ASSERT_TRUE(restored) << restored.error().ToString();
  node.Reopen();
  EXPECT_EQ(node.chain->head().height, kAt);
  ASSERT_TRUE(Follow(node));
}

// The same validators have sealed both, which the pinned block of an operator would show, too.
TEST_F(Snapshot, OtherHistoryThanThisNodesOwn_IsRefusedAndDropsNothing) {
  const auto dir = Written();
  TestChain node;
  for (int i = 0; i < 3; ++i) node.Commit({node.Put("other", std::to_string(i))});
  const Hash own = node.chain->head().hash;
  EXPECT_EQ(Restore(node, dir).error().code, Code::kDiverged);
  node.Reopen();
  EXPECT_EQ(node.chain->head().hash, own);
  EXPECT_EQ(node.chain->SealedState()->Get("kv/other"), "2");
}

// The window does not reach down to this node's head, only the epochs tell.
TEST(SnapshotEpochs, KeysOfAnEpochThatEndedHere_MakeNoOtherHistory) {
  nlohmann::json genesis = GenesisJson();
  genesis["consensus"]["max_valid_for"] = 4;
  const auto grow = [](TestChain& chain, const std::string& next, int heights) {
    if (!next.empty()) chain.Commit({chain.Make("EndEpoch", "5=" + next, 4)});
    while (chain.chain->head().height < Height(static_cast<std::uint64_t>(heights))) {
      chain.Commit({});
    }
  };
  // What validators of epoch 0 could seal with their old keys: no change, or another one.
  for (const std::string forged : {"", "v0,v1,v2,v4"}) {
    TestChain liar(4, genesis.dump());
    grow(liar, forged, 20);
    const auto source = SnapshotSource::Open(*liar.database, liar.genesis(), Height(20));
    ASSERT_TRUE(source) << source.error().ToString();
    TestChain node(4, genesis.dump());
    grow(node, "v0,v1,v2,v3,v4", 7);
    const Hash own = node.chain->head().hash;
    node.chain.reset();
    const auto begun =
        SnapshotRestore::Begin(*node.database, node.genesis(), node.app, source->Head().value());
    ASSERT_FALSE(begun) << forged;
    EXPECT_EQ(begun.error().code, Code::kDiverged);
    node.Reopen();
    EXPECT_EQ(node.chain->head().hash, own);
  }
}

TEST(SnapshotEpochs, NodeBehindInAnEarlierEpoch_FollowsTheChange) {
  nlohmann::json genesis = GenesisJson();
  genesis["consensus"]["max_valid_for"] = 4;
  TestChain source(4, genesis.dump());
  TestChain node(4, genesis.dump());
  source.Commit({source.Make("EndEpoch", "5=v0,v1,v2,v3,v4", 4)});
  for (int height = 2; height <= 20; ++height) source.Commit({});
  for (Height at(1); at <= Height(7); ++at) {
    ASSERT_TRUE(node.chain->Apply(*source.chain->GetBlockWithPayloads(at)));
  }
  ASSERT_TRUE(
      WriteSnapshot(SnapshotSource::Open(*source.database, source.genesis(), Height(20)).value(),
                    source.dir.path() / "snapshot", {}));
  node.chain.reset();
  const auto restored = RestoreSnapshot(*node.database, node.genesis(), node.app,
                                        source.dir.path() / "snapshot", std::nullopt, {});
  ASSERT_TRUE(restored) << restored.error().ToString();
  node.Reopen();
  EXPECT_EQ(node.chain->head().hash, source.chain->head().hash);
}

TEST_F(Snapshot, ChainThatIsFurther_IsNotSetBack) {
  EXPECT_EQ(Restore(source_, Written()).error().code, Code::kPrecondition);
}

TEST_F(Snapshot, ChainThatIsBehind_KeepsItsBlocks) {
  TestChain node;
  for (Height at(1); at <= Height(3); ++at) {
    ASSERT_TRUE(node.chain->Apply(*source_.chain->GetBlockWithPayloads(at)));
  }
  Join(node);
  EXPECT_TRUE(node.chain->GetBlockWithPayloads(Height(2)));
  EXPECT_EQ(node.chain->GetBlock(Height(5)).error().code, Code::kPruned);
  ASSERT_TRUE(Follow(node));
  EXPECT_EQ(node.chain->head().hash, source_.chain->head().hash);
}

}  // namespace
}  // namespace talent::ledger
