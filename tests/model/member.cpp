#include "model/member.h"

#include <fmt/format.h>

#include "base/canonical.h"
#include "consensus/codec.h"
#include "consensus/replica_impl.h"
#include "consensus/slot.h"
#include "crypto/sha256.h"

namespace talent::model {

using namespace consensus;  // NOLINT: this file speaks to the replica

Member::Member(Shared& shared, std::uint32_t validator) : shared_(shared), validator_(validator) {
  Start({});
}

Member::Member(const Member& other)
    : shared_(other.shared_),
      validator_(other.validator_),
      replica_(other.replica_ ? std::make_unique<Replica>(*other.replica_) : nullptr),
      epoch_(other.epoch_),
      log_(other.log_),
      synced_(other.synced_),
      blocks_(other.blocks_),
      headers_(other.headers_),
      executed_(other.executed_),
      said_(other.said_),
      crashes_(other.crashes_),
      violation_(other.violation_) {}

// The last height of epoch 0, if the blocks up to `known` decide it.
Height Member::EpochEnd(Height known) const {
  const Limits& limits = shared_.limits;
  const bool decided = known.value + limits.window >= limits.epoch_end;
  return Height(epoch_ == Epoch(0) && decided ? limits.epoch_end : 0);
}

void Member::Start(std::vector<Bytes> records) {
  replica_ = nullptr;
  if (!shared_.book.Place(epoch_, validator_)) return;
  Options options;
  options.chain = shared_.book.chain();
  options.validators = shared_.book.set(epoch_);
  options.window = shared_.limits.window;
  if (epoch_ > Epoch(0)) options.first_height = Height(shared_.limits.epoch_end + 1);
  Replica::Recovered recovered;
  recovered.records = std::move(records);
  recovered.sealed = Height(blocks_.size());
  recovered.epoch_end = EpochEnd(recovered.sealed);
  if (!blocks_.empty()) recovered.sealed_hash = blocks_.back()->hash;
  if (recovered.sealed >= options.first_height) {
    recovered.sealed_certificate = blocks_.back()->certificate;
    recovered.sealed_header = blocks_.back()->header;
  }
  replica_ = std::make_unique<Replica>(std::move(options), shared_.book.key(validator_),
                                       std::move(recovered));
  for (const Action& action : replica_->Start()) Perform(action);
  Step(WorkWaiting{true});
}

void Member::EnterNextEpoch() {
  if (headers_.size() > blocks_.size()) Violate("it executes above the epoch's last height");
  const std::vector<Bytes> records = replica_ ? replica_->TakeOverRecords() : std::vector<Bytes>();
  answers_.clear();
  epoch_ = epoch_ + 1;
  Start(records);
}

bool Member::Take(const Input& input) {
  actions_left_ = input.crash_after;
  try {
    if (input.what == Input::What::kMessages) {
      for (const MessageId id : input.messages) {
        const Entry& entry = shared_.book.at(id);
        if (replica_ && entry.epoch == epoch_) Step(MessageReceived{entry.message});
      }
    } else if (input.what == Input::What::kPropose) {
      const auto height = replica_->CanPropose();
      CHECK(height.has_value());
      Bytes batch = fmt::format("{}{}{}", epoch_ == Epoch(0) ? 'C' : 'D', *height,
                                std::string(replica_->view().value, '\''));
      shared_.book.Name(OrderDigest(batch), batch);
      Step(ProposalReady{std::make_shared<Proposal>(Proposal{std::move(batch), {}})});
    } else if (input.what == Input::What::kFetch) {
      const Block& block = *input.block;
      Seal(block.height, block.hash, block.header, block.certificate);
      Drain();
    } else {
      const bool progress = input.what == Input::What::kProgressTimer;
      const auto& impl = replica_->impl();
      const auto generation = progress ? impl.progress_timer_ : impl.view_change_timer_;
      CHECK(generation.has_value());
      Step(TimerFired{progress ? kProgressTimer : kViewChangeTimer, *generation});
    }
    if (actions_left_ == 0u) throw Crash();
  } catch (const Crash&) {
    if (!input.unsynced_survives) log_.resize(synced_);
    synced_ = log_.size();
    answers_.clear();
    headers_.resize(blocks_.size());
    executed_.resize(blocks_.size());
    ++crashes_;
    actions_left_.reset();
    Start(log_);
    return true;
  }
  return !actions_left_.has_value();
}

void Member::Step(const Event& event) {
  for (const Action& action : replica_->Step(event)) Perform(action);
  Drain();
}

void Member::Drain() {
  while (!answers_.empty()) {
    const Event event = std::move(answers_.front());
    answers_.erase(answers_.begin());
    if (std::holds_alternative<Durable>(event)) synced_ = log_.size();
    if (const auto* sealed = std::get_if<Sealed>(&event)) {
      Seal(sealed->height, sealed->block_hash, sealed->header, sealed->certificate);
      continue;
    }
    for (const Action& action : replica_->Step(event)) Perform(action);
  }
}

void Member::Perform(const Action& action) {
  if (actions_left_) {
    if (*actions_left_ == 0) throw Crash();
    --*actions_left_;
  }
  if (const auto* send = std::get_if<Send>(&action)) {
    Say(send->message);
  } else if (const auto* broadcast = std::get_if<Broadcast>(&action)) {
    Say(broadcast->message);
  } else if (const auto* persist = std::get_if<Persist>(&action)) {
    log_.push_back(persist->record);
    answers_.emplace_back(Durable{persist->token});
  } else if (const auto* compact = std::get_if<CompactLog>(&action)) {
    log_ = compact->records;
    synced_ = log_.size();
  } else if (const auto* vet = std::get_if<Vet>(&action)) {
    answers_.emplace_back(Vetted{vet->view, vet->height, vet->digest, true});
  } else if (const auto* execute = std::get_if<consensus::Execute>(&action)) {
    Execute(*execute);
  } else if (const auto* finalise = std::get_if<Finalise>(&action)) {
    const Bytes& header = headers_[finalise->height.value - 1];
    const auto good = VerifyCertificate(*shared_.book.set(epoch_), shared_.book.chain(),
                                        finalise->block_hash, finalise->certificate);
    if (!good) Violate("it finalises with a certificate that does not hold");
    answers_.emplace_back(
        Sealed{finalise->height, finalise->certificate, finalise->block_hash, header});
  } else if (const auto* diverged = std::get_if<Diverged>(&action)) {
    Violate(fmt::format("it diverges at height {}", diverged->height));
  }
}

void Member::Execute(const consensus::Execute& execute) {
  const Height h = execute.height;
  if (headers_.size() + 1 != h.value) {
    return Violate(fmt::format("it executes height {} after {}", h, headers_.size()));
  }
  pb::HeaderFacts facts;
  facts.set_height(h.value);
  facts.set_epoch(epoch_.value);
  Bytes header = Encode(facts);
  header += "\x7a\x20";  // field 15, 32 bytes: what the ledger keeps there
  const Hash parent = executed_.empty() ? Hash() : executed_.back();
  header += crypto::Sha256(parent.ToBytes() + execute.proposal->batch).ToBytes();
  const Hash hash = TaggedHash(crypto::Domain::kHeader, {header});
  const std::string name = shared_.book.Name(OrderDigest(execute.proposal->batch));
  shared_.book.Name(hash, h == Height(1) ? name : shared_.book.Name(parent) + " " + name);
  shared_.headers[hash] = header;
  headers_.push_back(std::move(header));
  executed_.push_back(hash);
  answers_.emplace_back(Executed{h, hash, EpochEnd(h)});
}

void Member::Seal(Height height, const Hash& hash, const Bytes& header,
                  const crypto::Certificate& certificate) {
  if (height.value > blocks_.size()) {
    if (height.value != blocks_.size() + 1) {
      return Violate(fmt::format("it seals height {} after {}", height, blocks_.size()));
    }
    const std::string name = shared_.book.Name(hash);
    blocks_.push_back(
        std::make_shared<const Block>(Block{height, hash, header, certificate, name}));
    if (headers_.size() < height.value) {
      headers_.push_back(header);
      executed_.push_back(hash);
    }
  }
  if (replica_) {
    const Sealed sealed{height, certificate, hash, header, EpochEnd(height)};
    for (const Action& action : replica_->Step(sealed)) Perform(action);
  }
  if (epoch_ == Epoch(0) && height.value == shared_.limits.epoch_end) EnterNextEpoch();
}

void Member::Say(const Bytes& bytes) {
  const auto id = shared_.book.Note(epoch_, bytes);
  if (!id || said_[*id]) return;
  const Entry& now = shared_.book.at(*id);
  if (now.signer != validator_ || now.kind == Kind::kReply) return;
  const bool of_view =
      now.kind == Kind::kOffer || now.kind == Kind::kPrepare || now.kind == Kind::kCommit;
  for (std::size_t i = said_._Find_first(); i < kMaxMessages; i = said_._Find_next(i)) {
    const Entry& before = shared_.book.at(static_cast<MessageId>(i));
    if (before.epoch != now.epoch) continue;
    if (before.kind == now.kind && before.view == now.view && before.height == now.height) {
      Violate(fmt::format("it says {} after {}", now.what, before.what));
    }
    if (before.kind == Kind::kViewChange && of_view && now.view < before.view) {
      Violate(fmt::format("it says {} after {}", now.what, before.what));
    }
  }
  said_.set(*id);
}

void Member::Violate(std::string what) {
  if (violation_.empty()) violation_ = fmt::format("validator {}: {}", validator_, what);
}

std::string Member::Visible() const {
  const Book& book = shared_.book;
  std::string key = fmt::format("{} e{} c{} b{}|", validator_, epoch_, crashes_, blocks_.size());
  for (const Hash& hash : executed_) key += "#" + book.Name(hash);
  key += "|";
  for (std::size_t i = said_._Find_first(); i < kMaxMessages; i = said_._Find_next(i)) {
    key += fmt::format("{},", i);
  }
  if (!replica_) return key;
  const Replica::Impl& r = replica_->impl();
  key += fmt::format("|v{}{}{}{}{} s{} x{}/{} f{} p{} top{} st{} t{}{}|", r.view_,
                     r.view_changing_ ? "c" : "", r.diverged_ ? "D" : "", r.observer_ ? "O" : "",
                     r.sealed_in_view_ ? "s" : "", r.sealed_, r.executed_, r.execute_sent_,
                     r.finalise_sent_, r.proposed_, r.plan_.top, r.plan_.stable.height,
                     r.progress_timer_.has_value(), r.view_change_timer_.has_value());
  for (const auto& [h, digest] : r.plan_.digests)
    key += fmt::format("n{}{} ", h, book.Name(digest));
  for (const auto& [h, slot] : r.slots_) {
    const auto add = [&, height = h](std::string_view what, const Hash& hash) {
      key += fmt::format("{}{}{} ", height, what, book.Name(hash));
    };
    for (const auto& [digest, held] : slot.held) {
      add(fmt::format("held{}{}", held.good, held.stored), digest);
    }
    if (slot.accepted) add(fmt::format("accepted{}", slot.accepted->view), slot.accepted->digest);
    if (slot.prepared) {
      add(fmt::format("prepared{}", slot.prepared->at.view), slot.prepared->at.digest);
    }
    if (slot.committed) add("committed", *slot.committed);
    if (slot.executed) add("executed", *slot.executed);
    if (slot.sealed_as) add("sealed", *slot.sealed_as);
    if (slot.certified) add("certified", slot.certified->block_hash);
  }
  return key;
}

std::string Member::Identity(bool with_log) const {
  std::string key = Visible();
  if (!replica_) return key;
  const Replica::Impl& r = replica_->impl();
  const Book& book = shared_.book;
  for (const auto& [who, message] : r.view_changes_) {
    const View view = message->As<ViewChange>().view;
    if (view < r.view_ || (view == r.view_ && !r.view_changing_)) continue;
    key +=
        fmt::format("V{}/{} {} ", who, view, shared_.book.Meaning(epoch_, message->signed_bytes()));
  }
  for (const auto& [h, slot] : r.slots_) {
    for (const auto& [view, offer] : slot.offers) {
      key += fmt::format("O{}/{}{} ", h, view, book.Name(PositionOf(*offer).digest));
    }
    for (const auto& [at, vote] : slot.prepares) {
      if (slot.prepared && slot.prepared->at.view == at.first) continue;
      if (at.second == r.self_) continue;
      key +=
          fmt::format("P{}/{}/{}{} ", h, at.first, at.second, book.Name(PositionOf(*vote).digest));
    }
    for (const auto& [at, vote] : slot.commits) {
      if (slot.committed || at.second == r.self_) continue;
      key +=
          fmt::format("C{}/{}/{}{} ", h, at.first, at.second, book.Name(PositionOf(*vote).digest));
    }
    for (const auto& [who, seals] : slot.seals) {
      if (h <= r.finalise_sent_ || who == r.self_) continue;
      for (const auto& seal : seals) key += fmt::format("S{}/{}{} ", h, who, book.Name(seal.first));
    }
  }
  if (!with_log || crashes_ > 0) return key;
  for (const Bytes& bytes : log_) {
    auto record = Decode<pb::VoteRecord>(bytes);
    CHECK(record.has_value());
    if (record->has_prepared()) record->mutable_prepared()->clear_prepares();
    if (record->has_new_view())
      record->set_new_view(shared_.book.Meaning(epoch_, record->new_view()));
    if (record->has_view_change())
      record->set_view_change(shared_.book.Meaning(epoch_, record->view_change()));
    key += Encode(*record);
  }
  return key;
}

}  // namespace talent::model
