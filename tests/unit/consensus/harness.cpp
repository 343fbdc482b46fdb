#include "unit/consensus/harness.h"

#include <algorithm>
#include <numeric>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "crypto/sha256.h"

namespace talent::consensus::test {

ChainId TestChain() {
  ChainId chain;
  chain.data()[0] = kChainByte;
  return chain;
}

crypto::KeyPair VoteKey(std::uint32_t index) {
  crypto::Seed seed;
  seed.data()[0] = static_cast<std::uint8_t>(index + 1);
  return crypto::KeyPair::FromSeed(seed);
}

std::shared_ptr<const crypto::ValidatorSet> TestValidators(
    Epoch epoch, const std::vector<std::uint32_t>& members) {
  std::vector<crypto::Validator> validators;
  for (const std::uint32_t i : members) {
    crypto::PublicKey node_key;
    node_key.data()[0] = static_cast<std::uint8_t>(i + 1);
    validators.push_back({fmt::format("node-{}", i), VoteKey(i).public_key(), node_key});
  }
  return std::make_shared<const crypto::ValidatorSet>(
      crypto::ValidatorSet::Create(epoch, std::move(validators)).value());
}

std::shared_ptr<const crypto::ValidatorSet> TestValidators(std::uint32_t n) {
  std::vector<std::uint32_t> members(n);
  std::iota(members.begin(), members.end(), 0u);
  return TestValidators(Epoch(0), members);
}

Bytes TestHeader(Height height, BytesView content, Epoch epoch) {
  pb::HeaderFacts facts;
  facts.set_height(height.value);
  facts.set_epoch(epoch.value);
  Bytes header = Encode(facts);
  header += "\x7a";  // field 15, a byte string: what the ledger keeps there
  header += "\x20";
  header += crypto::Sha256(content).ToBytes();
  return header;
}

Hash HeaderHash(BytesView header) { return TaggedHash(crypto::Domain::kHeader, {header}); }

ProposalPtr MakeProposal(std::string_view text) {
  return std::make_shared<Proposal>(Proposal{Bytes(text), "sidecar of " + Bytes(text)});
}

Harness::Harness(std::uint32_t n, std::uint32_t window) : window_(window) {
  epochs_.push_back({TestValidators(n)});
  nodes_.resize(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    nodes_[i].key = std::make_unique<crypto::KeyPair>(VoteKey(i));
  }
  for (std::uint32_t i = 0; i < n; ++i) StartReplica(i, {}, false);
}

void Harness::DecideEpoch(Height decided, Height last, const std::vector<std::uint32_t>& members) {
  epochs_.back().decided = decided;
  epochs_.back().last = last;
  const Epoch next = epochs_.back().validators->epoch() + 1;
  epochs_.push_back({TestValidators(next, members), last + 1});
  for (const std::uint32_t i : members) {
    if (i < size()) continue;
    nodes_.resize(i + 1);
    nodes_[i].key = std::make_unique<crypto::KeyPair>(VoteKey(i));
  }
}

Height Harness::EpochEnd(const Node& node, Height at) const {
  const EpochPlan& epoch = EpochOf(node);
  return epoch.last != Height(0) && at >= epoch.decided ? epoch.last : Height(0);
}

std::uint32_t Harness::NodeOf(const crypto::Validator& validator) const {
  const auto found = std::ranges::find_if(
      nodes_, [&](const Node& node) { return node.key->public_key() == validator.vote_key; });
  CHECK(found != nodes_.end());
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

void Harness::EnterNextEpoch(std::uint32_t i) {
  Node& node = nodes_[i];
  CHECK(Height(node.finalised.size()) == EpochOf(node).last);
  const std::vector<Bytes> records = node.replica ? node.replica->TakeOverRecords() : node.log;
  ++node.epoch;
  node.held.clear();
  node.timers.clear();
  node.replica.reset();
  if (EpochOf(node).validators->FindVoteKey(node.key->public_key())) {
    StartReplica(i, records, false);
  }
}

void Harness::FetchBlocks(std::uint32_t to, std::uint32_t from) {
  Node& node = nodes_[to];
  const Node& source = nodes_[from];
  for (std::size_t at = node.finalised.size(); at < source.finalised.size(); ++at) {
    node.headers.resize(at);
    node.batches.resize(at);
    node.headers.push_back(source.headers[at]);
    node.batches.push_back(source.batches[at]);
    node.finalised.push_back(source.finalised[at]);
    const Finalise& block = node.finalised.back();
    if (node.replica) {
      Step(to, Sealed{block.height, block.certificate, block.block_hash, node.headers[at],
                      EpochEnd(node, block.height)});
    }
    if (block.height == EpochOf(node).last) EnterNextEpoch(to);
  }
}

void Harness::StartReplica(std::uint32_t i, std::vector<Bytes> records, bool votes_lost) {
  Node& node = nodes_[i];
  const EpochPlan& epoch = EpochOf(node);
  Options options;
  options.chain = TestChain();
  options.validators = epoch.validators;
  options.first_height = epoch.first;
  options.window = window_;
  Replica::Recovered recovered;
  recovered.votes_lost = votes_lost;
  recovered.accept_lost_votes = node.accept_lost_votes;
  recovered.records = std::move(records);
  if (!node.finalised.empty()) {
    const Finalise& head = node.finalised.back();
    recovered.sealed = head.height;
    recovered.sealed_hash = head.block_hash;
    recovered.epoch_end = EpochEnd(node, head.height);
    if (head.height >= epoch.first) {
      recovered.sealed_certificate = head.certificate;
      recovered.sealed_header = node.headers[node.finalised.size() - 1];
    }
  }
  node.replica = std::make_unique<Replica>(std::move(options), *node.key, std::move(recovered));
  Perform(i, node.replica->Start());
}

void Harness::Step(std::uint32_t i, const Event& event) {
  if (hear) hear(i, event);
  Perform(i, nodes_[i].replica->Step(event));
}

Status Harness::Deliver(std::uint32_t to, BytesView message) {
  const auto& validators = *EpochOf(nodes_[to]).validators;
  Step(to, MessageReceived{TRY(VerifyMessage(TestChain(), validators, message))});
  return {};
}

void Harness::Run() {
  while (!network.empty()) {
    const Packet packet = std::move(network.front());
    network.pop_front();
    const Node& receiver = nodes_[packet.to];
    if (!receiver.replica) continue;
    const auto message = VerifyMessage(TestChain(), *EpochOf(receiver).validators, packet.bytes);
    if (!message && message.error().code == Code::kWrongChain) continue;  // of another epoch
    CHECK(message.has_value(), "{}", message.error().ToString());
    if (pass && !pass(packet, **message)) continue;
    Step(packet.to, MessageReceived{*message});
  }
}

void Harness::Fire(std::uint32_t i, std::uint32_t timer) {
  const SetTimer set = nodes_[i].timers.at(timer);
  Step(i, TimerFired{set.timer, set.generation});
}

void Harness::FireAll(std::uint32_t timer) {
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (nodes_[i].timers.contains(timer)) Fire(i, timer);
  }
}

bool Harness::Propose(std::uint32_t i, std::string_view text) {
  if (!replica(i).CanPropose()) return false;
  Step(i, ProposalReady{MakeProposal(text)});
  return true;
}

void Harness::ReleaseHeld(std::uint32_t i) {
  while (!nodes_[i].held.empty()) {
    const Event event = std::move(nodes_[i].held.front());
    nodes_[i].held.pop_front();
    if (std::holds_alternative<Durable>(event)) {
      if (auto& record = nodes_[i].writing.front()) nodes_[i].log.push_back(std::move(*record));
      nodes_[i].writing.pop_front();
    }
    Step(i, event);
  }
}

void Harness::Restart(std::uint32_t i, bool votes_lost) {
  Node& node = nodes_[i];
  node.held.clear();
  node.writing.clear();
  node.timers.clear();
  node.headers.resize(node.finalised.size());
  node.batches.resize(node.finalised.size());
  StartReplica(i, node.log, votes_lost);
}

MessagePtr Harness::Signed(std::uint32_t i, Content content) const {
  const auto& validators = *EpochOf(nodes_[i]).validators;
  return VerifiedMessage::Sign(*nodes_[i].key, TestChain(), validators.epoch(),
                               validators.FindVoteKey(nodes_[i].key->public_key()).value(),
                               std::move(content));
}

void Harness::Perform(std::uint32_t i, Actions actions) {
  Node& node = nodes_[i];
  const crypto::ValidatorSet& validators = *EpochOf(node).validators;
  const auto answer = [&](bool now, Event event) {
    if (now) {
      Step(i, event);
    } else {
      node.held.push_back(std::move(event));
    }
  };
  const auto note = [&](const Bytes& bytes) {
    sent.push_back(VerifyMessage(TestChain(), validators, bytes).value());
  };
  for (Action& action : actions) {
    if (observe) observe(i, action);
    if (auto* send = std::get_if<Send>(&action)) {
      note(send->message);
      network.push_back({i, NodeOf(validators.at(send->to)), send->message});
    } else if (auto* broadcast = std::get_if<Broadcast>(&action)) {
      note(broadcast->message);
      for (const crypto::Validator& validator : validators.validators()) {
        const std::uint32_t to = NodeOf(validator);
        if (to != i) network.push_back({i, to, broadcast->message});
      }
    } else if (auto* persist = std::get_if<Persist>(&action)) {
      if (node.answer_durable) {
        node.log.push_back(persist->record);
      } else {
        node.writing.emplace_back(persist->record);
      }
      answer(node.answer_durable, Durable{persist->token});
    } else if (auto* compact = std::get_if<CompactLog>(&action)) {
      node.log = compact->records;
      for (auto& record : node.writing) record.reset();  // "every record so far": these included
    } else if (auto* vet = std::get_if<Vet>(&action)) {
      node.vetted.push_back(*vet);
      answer(true, Vetted{vet->view, vet->height, vet->digest, node.vet_ok});
    } else if (auto* execute = std::get_if<Execute>(&action)) {
      CHECK(node.headers.size() + 1 == execute->height.value, "executed out of order");
      CHECK(execute->height.value <= node.finalised.size() + window_,
            "a chain holds no more than a window of blocks that wait for seals");
      const Bytes parent = node.headers.empty() ? Bytes() : node.headers.back();
      node.headers.push_back(TestHeader(
          execute->height, parent + execute->proposal->batch + node.twist, validators.epoch()));
      node.batches.push_back(execute->proposal->batch);
      answer(node.answer_executed, Executed{execute->height, HeaderHash(node.headers.back()),
                                            EpochEnd(node, execute->height)});
    } else if (auto* finalise = std::get_if<Finalise>(&action)) {
      CHECK(VerifyCertificate(validators, TestChain(), finalise->block_hash, finalise->certificate)
                .has_value());
      node.finalised.push_back(*finalise);
      answer(node.answer_sealed,
             Sealed{finalise->height, finalise->certificate, finalise->block_hash,
                    node.headers[finalise->height.value - 1], EpochEnd(node, finalise->height)});
    } else if (auto* timer = std::get_if<SetTimer>(&action)) {
      node.timers[timer->timer] = *timer;
    } else if (auto* behind = std::get_if<CatchUp>(&action)) {
      node.catch_ups.push_back(*behind);
    } else if (auto* diverged = std::get_if<Diverged>(&action)) {
      node.diverged = *diverged;
    } else if (auto* forgotten = std::get_if<VotesForgotten>(&action)) {
      node.forgotten = *forgotten;
    } else if (auto* evidence = std::get_if<Evidence>(&action)) {
      node.evidence.push_back(*evidence);
    }
  }
}

}  // namespace talent::consensus::test
