// What hashing, signing and proving cost. Throughput of a node is bounded by Verify
// (docs/performance.md).

#include <benchmark/benchmark.h>

#include "crypto/ed25519.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"

namespace talent::crypto {
namespace {

constexpr std::size_t kMessage = 256;  // about an envelope
constexpr std::uint64_t kLeaves = 1000;

KeyPair Key() { return KeyPair::FromSeed(Seed()); }

std::vector<Hash> Leaves() {
  std::vector<Hash> out;
  for (std::uint64_t i = 0; i < kLeaves; ++i) out.push_back(MerkleLeaf(std::to_string(i)));
  return out;
}

void Hashing(benchmark::State& state) {
  const Bytes message(static_cast<std::size_t>(state.range(0)), 'm');
  for (auto _ : state) benchmark::DoNotOptimize(Sha256(message));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Hashing)->Arg(64)->Arg(1024);

void Sign(benchmark::State& state) {
  const KeyPair key = Key();
  const Bytes message(kMessage, 'm');
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.Sign(Domain::kTxSignature, ChainId(), message));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Sign);

void Verifying(benchmark::State& state) {
  const KeyPair key = Key();
  const Bytes message(kMessage, 'm');
  const Signature signature = key.Sign(Domain::kTxSignature, ChainId(), message);
  for (auto _ : state) {
    if (!Verify(key.public_key(), Domain::kTxSignature, ChainId(), message, signature)) {
      state.SkipWithError("a good signature was refused");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Verifying);

void RootOf1000(benchmark::State& state) {
  const std::vector<Hash> leaves = Leaves();
  for (auto _ : state) benchmark::DoNotOptimize(MerkleRoot(leaves));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kLeaves));
}
BENCHMARK(RootOf1000);

void ProveOneOf1000(benchmark::State& state) {
  const std::vector<Hash> leaves = Leaves();
  std::uint64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(InclusionProof(leaves, i++ % kLeaves));
}
BENCHMARK(ProveOneOf1000);

void CheckOneOf1000(benchmark::State& state) {
  const std::vector<Hash> leaves = Leaves();
  const Hash root = MerkleRoot(leaves);
  const std::vector<Hash> proof = InclusionProof(leaves, kLeaves / 2);
  for (auto _ : state) {
    if (!VerifyInclusion(leaves[kLeaves / 2], kLeaves / 2, kLeaves, proof, root)) {
      state.SkipWithError("a good proof was refused");
      break;
    }
  }
}
BENCHMARK(CheckOneOf1000);

}  // namespace
}  // namespace talent::crypto
