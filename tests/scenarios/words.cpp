#include "scenarios/words.h"

#include <charconv>

#include "base/canonical.h"
#include "consensus/new_view.h"
#include "crypto/sha256.h"

namespace talent::scenarios {

using namespace consensus;  // NOLINT: this file spells its messages

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string At(const Position& at, const Names& names) {
  return fmt::format("v{} h{} {}", at.view, at.height, names.Batch(at.digest));
}

std::string Describe(const CertifiedHead& head, const Names& names) {
  if (head.height == Height(0)) return "h0";
  return fmt::format("h{} {}", head.height, names.Block(head.block_hash));
}

std::string Describe(const ViewChange& change, const Names& names) {
  std::string out = fmt::format("v{} sealed {}", change.view, Describe(change.sealed, names));
  for (const auto& p : change.prepared) {
    out += fmt::format(" prepared h{}:{}@v{}", p.at.height, names.Batch(p.at.digest), p.at.view);
  }
  return out;
}

std::string Describe(const PeerStatus& status) {
  std::string out =
      fmt::format("v{}{} sealed h{}{}", status.view, status.view_changing ? " (changing)" : "",
                  status.sealed, status.stalled ? " stalled" : "");
  for (const Height h : status.accepted) out += fmt::format(" h{}", h);
  return out;
}

}  // namespace

Words Split(std::string_view text, char separator) {
  Words out;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<std::uint64_t> Number(std::string_view word, std::string_view prefix) {
  std::uint64_t value = 0;
  if (word.starts_with(prefix)) {
    const std::string_view digits = word.substr(prefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size()) return value;
  }
  return Fail(Code::kInvalidArgument, "'{}' where {}<number> belongs", word, prefix);
}

Result<std::vector<std::uint32_t>> Validators(std::string_view word, std::uint32_t n) {
  std::vector<std::uint32_t> out;
  if (word == "all") {
    for (std::uint32_t i = 0; i < n; ++i) out.push_back(i);
    return out;
  }
  for (const std::string& item : Split(word, ',')) {
    const std::uint64_t i = TRY(Number(item));
    if (i >= n) return Fail(Code::kInvalidArgument, "validator {} of {}", i, n);
    out.push_back(static_cast<std::uint32_t>(i));
  }
  return out;
}

std::string_view KindOf(const Content& content) {
  static constexpr std::array<std::string_view, std::variant_size_v<Content>> kNames = {
      "PRE-PREPARE", "PREPARE", "COMMIT",           "SEAL",           "VIEW-CHANGE",
      "NEW-VIEW",    "STATUS",  "PROPOSAL-REQUEST", "PROPOSAL-REPLY", "CERTIFIED"};
  return kNames.at(content.index());
}

Names::Names() { batches_[NullDigest()] = "null"; }

void Names::AddBatch(std::string_view name) { batches_[OrderDigest(name)] = name; }

void Names::AddBlock(Height height, const Hash& hash, std::string name) {
  if (blocks_.contains(hash)) return;
  while (block_hashes_.contains({height, name})) name += "'";
  blocks_[hash] = name;
  block_hashes_[{height, name}] = hash;
}

std::string Names::Batch(const Hash& digest) const {
  const auto it = batches_.find(digest);
  return it == batches_.end() ? "?" : it->second;
}

std::string Names::Block(const Hash& hash) const {
  const auto it = blocks_.find(hash);
  return it == blocks_.end() ? "?" : it->second;
}

Hash Names::BlockHash(Height height, const std::string& name) const {
  const auto it = block_hashes_.find({height, name});
  return it == block_hashes_.end() ? crypto::Sha256(name) : it->second;
}

std::string Describe(const Content& content, const Names& names) {
  const std::string what =
      std::visit(Overloaded{
                     [&](const PrePrepare& m) { return At(m.at, names); },
                     [&](const Prepare& m) { return At(m.at, names); },
                     [&](const Commit& m) { return At(m.at, names); },
                     [&](const SealVote& m) {
                       return fmt::format("h{} {}", m.height, names.Block(m.block_hash));
                     },
                     [&](const ViewChange& m) { return Describe(m, names); },
                     [&](const NewView& m) { return fmt::format("v{}", m.view); },
                     [&](const PeerStatus& m) { return Describe(m); },
                     [&](const ProposalRequest& m) {
                       return fmt::format("h{} {}", m.height, names.Batch(m.digest));
                     },
                     [&](const ProposalReply& m) {
                       return fmt::format("h{} {}", m.height, names.Batch(m.digest));
                     },
                     [&](const Certified& m) { return Describe(m.head, names); },
                 },
                 content);
  return fmt::format("{} {}", KindOf(content), what);
}

std::string DescribeSigned(BytesView message, const Names& names) {
  const auto decoded = Decode<pb::Message>(message).value();
  const auto body = Decode<pb::Body>(decoded.signed_().body()).value();
  switch (body.kind_case()) {
    case pb::Body::kPrePrepare:
      return "PRE-PREPARE " + At(FromProto(body.pre_prepare()).value(), names);
    case pb::Body::kViewChange:
      return fmt::format("VIEW-CHANGE v{}", body.view_change().view());
    case pb::Body::kNewView:
      return fmt::format("NEW-VIEW v{}", body.new_view().view());
    default:
      return Describe(DecodeMessage(message).value().content, names);
  }
}

std::string DescribeRecord(BytesView bytes, const Names& names) {
  const auto record = Decode<pb::VoteRecord>(bytes).value();
  switch (record.kind_case()) {
    case pb::VoteRecord::kProposal:
      return fmt::format("proposal h{} {}", record.proposal().height(),
                         names.Batch(OrderDigest(record.proposal().proposal().batch())));
    case pb::VoteRecord::kAccepted:
      return "accepted " + At(FromProto(record.accepted()).value(), names);
    case pb::VoteRecord::kPrepared:
      return "prepared " + At(FromProto(record.prepared()).value().at, names);
    case pb::VoteRecord::kViewChange:
      return DescribeSigned(record.view_change(), names);
    case pb::VoteRecord::kNewView:
      return DescribeSigned(record.new_view(), names);
    case pb::VoteRecord::kSeal:
      return fmt::format("seal h{} {}", record.seal().height(),
                         names.Block(Hash::FromBytes(record.seal().block_hash()).value()));
    case pb::VoteRecord::kObserving:
      return fmt::format("observing until h{}", record.observing().until());
    case pb::VoteRecord::kBegan:
      return "began";
    case pb::VoteRecord::KIND_NOT_SET:
      break;
  }
  return "?";
}

}  // namespace talent::scenarios
