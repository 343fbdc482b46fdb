#include "model/liar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "consensus/codec.h"
#include "crypto/sha256.h"

namespace talent::model {

using namespace consensus;  // NOLINT: this file speaks its messages

namespace {

template <class F>
void ForEach(const MessageSet& set, F f) {
  for (std::size_t i = set._Find_first(); i < set.size(); i = set._Find_next(i)) {
    f(static_cast<MessageId>(i));
  }
}

void Append(std::vector<MessageId>& to, const std::vector<MessageId>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void Append(std::vector<MessageId>& to, std::optional<MessageId> id) {
  if (id) to.push_back(*id);
}

}  // namespace

Liar::Liar(Shared& shared, std::uint32_t validator) : shared_(shared), validator_(validator) {
  for (std::uint64_t e = 0; e < shared_.book.epochs(); ++e) {
    if (shared_.book.Place(Epoch(e), validator_)) SayStatic(Epoch(e));
  }
}

bool Liar::Leads(Epoch epoch, View view) const {
  return shared_.book.Who(epoch, shared_.book.set(epoch)->Primary(view)) == validator_;
}

void Liar::SayStatic(Epoch epoch) {
  Book& book = shared_.book;
  for (View v; v.value < shared_.limits.views; ++v) {
    for (Height h(1); h.value <= shared_.limits.heights; ++h) {
      for (const char name : {'A', 'B'}) {
        const Bytes batch = fmt::format("{}{}", name, h);
        const Position at{v, h, OrderDigest(batch)};
        book.Name(at.digest, batch);
        const auto proposal = std::make_shared<Proposal>(Proposal{batch, {}});
        // Of views it does not lead, this has to be refused.
        Append(static_, book.Say(epoch, validator_, PrePrepare{at, proposal}));
      }
    }
    if (v.value > 0) Forge(epoch, v);
  }
}

Bytes Liar::AsSomebodyElse(Epoch epoch, ValidatorIndex place, const Content& content) const {
  const Bytes body = EncodeBody(epoch, content);
  const auto signature =
      shared_.book.key(validator_).Sign(crypto::Domain::kPbftSignature, shared_.book.chain(), body);
  return EncodeSigned(body, place, signature);
}

void Liar::Forge(Epoch epoch, View view) {
  // View changes in the names of others who, so it says, have prepared nothing; and a new view of
  // them.
  std::vector<Bytes> changes;
  std::vector<MessagePtr> believed;
  for (std::uint32_t i = 0; i < shared_.book.set(epoch)->size(); ++i) {
    const Bytes bytes = AsSomebodyElse(epoch, ValidatorIndex(i), ViewChange{view, {}, {}});
    if (shared_.book.Who(epoch, ValidatorIndex(i)) == validator_) continue;
    Append(static_, shared_.book.Note(epoch, bytes));
    if (!Leads(epoch, view)) continue;
    // Signed with the right key but another body: as bytes the same shape, for a NEW-VIEW.
    believed.push_back(VerifiedMessage::Sign(shared_.book.key(validator_), shared_.book.chain(),
                                             epoch, ValidatorIndex(i), ViewChange{view, {}, {}}));
  }
  if (Leads(epoch, view)) {
    Append(static_, shared_.book.Say(epoch, validator_, NewView{view, believed}));
  }
}

std::vector<MessageId> Liar::Says(const MessageSet& said) {
  std::vector<MessageId> out = static_;
  SayVotes(said, out);
  for (std::uint64_t e = 0; e < shared_.book.epochs(); ++e) {
    if (!shared_.book.Place(Epoch(e), validator_)) continue;
    for (View v(1); v.value < shared_.limits.views; ++v) {
      SayViewChanges(said, Epoch(e), v, out);
      if (Leads(Epoch(e), v)) SayNewViews(said, Epoch(e), v, out);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void Liar::SayVotes(const MessageSet& said, std::vector<MessageId>& out) {
  ForEach(said, [&](MessageId id) {
    const Entry entry = shared_.book.at(id);  // a copy: the book grows below
    if (entry.kind == Kind::kViewChange || entry.kind == Kind::kNewView) return;
    const auto [known, first] = votes_.try_emplace(entry.votes);
    if (first) {
      const Position at{View(entry.view), Height(entry.height), entry.digest};
      const auto say = [&](Content content) {
        Append(known->second, shared_.book.Say(entry.epoch, validator_, std::move(content)));
      };
      if (entry.kind == Kind::kPrepare) {
        say(Prepare{at});
        say(Commit{at});
      } else if (entry.kind == Kind::kCommit) {
        say(Commit{at});
      } else if (entry.kind == Kind::kSeal) {
        say(SealVote{at.height, at.digest});
      } else if (entry.kind == Kind::kOffer) {
        const auto& proposal = entry.message->As<PrePrepare>().proposal;
        say(ProposalReply{at.height, at.digest, proposal});
      }
    }
    Append(out, known->second);
  });
  for (const MessageId id : static_) {
    const Entry entry = shared_.book.at(id);
    if (entry.kind != Kind::kOffer) continue;
    const auto& offer = entry.message->As<PrePrepare>();
    Append(out, shared_.book.Say(entry.epoch, validator_,
                                 ProposalReply{offer.at.height, offer.at.digest, offer.proposal}));
  }
}

void Liar::SayViewChanges(const MessageSet& said, Epoch epoch, View view,
                          std::vector<MessageId>& out) {
  // What exists: certificates by height, and heads. One signature short of a quorum is tried too.
  const std::uint32_t quorum = shared_.book.set(epoch)->quorum();
  std::map<ClassId, SignatureMap> votes;
  ForEach(said, [&](MessageId id) {
    const Entry& entry = shared_.book.at(id);
    if (entry.epoch != epoch || entry.view >= view.value) return;
    if (entry.kind != Kind::kPrepare && entry.kind != Kind::kSeal) return;
    const auto& message = *entry.message;
    votes[entry.votes].emplace(message.signer(), message.signature());
  });
  std::map<std::uint64_t, Certificates> certificates;
  std::vector<CertifiedHead> heads{{}};
  std::string key = fmt::format("{}/{}", epoch, view);
  for (auto& [id, signatures] : votes) {
    const Entry& entry = shared_.book.ClassOf(id);
    const auto place = *shared_.book.Place(epoch, validator_);
    const Position at{View(entry.view), Height(entry.height), entry.digest};
    if (entry.kind == Kind::kPrepare) {
      signatures[place] =
          shared_.book.key(validator_)
              .Sign(crypto::Domain::kPbftSignature, shared_.book.chain(), PrepareBody(epoch, at));
      if (signatures.size() + 1 < quorum) continue;
      certificates[entry.height].push_back({at, signatures});
    } else {
      signatures[place] =
          SignSeal(shared_.book.key(validator_), shared_.book.chain(), entry.digest);
      if (signatures.size() + 1 < quorum) continue;
      heads.push_back({at.height, at.digest, shared_.headers.at(at.digest), {epoch, signatures}});
    }
    key += fmt::format(" {}:{}", id, std::min<std::size_t>(signatures.size(), quorum));
  }
  const auto [known, first] = view_changes_.try_emplace(key);
  if (first) {
    for (const CertifiedHead& head : heads) {
      ShowAnySubset(epoch, view, head, certificates, {}, head.height.value + 1, known->second);
    }
  }
  Append(out, known->second);
}

void Liar::ShowAnySubset(Epoch epoch, View view, const CertifiedHead& head,
                         const std::map<std::uint64_t, Certificates>& certificates,
                         Certificates chosen, std::uint64_t height, std::vector<MessageId>& out) {
  if (height > shared_.limits.heights) {
    return Append(out, shared_.book.Say(epoch, validator_, ViewChange{view, head, chosen}));
  }
  ShowAnySubset(epoch, view, head, certificates, chosen, height + 1, out);
  const auto here = certificates.find(height);
  if (here == certificates.end()) return;
  for (const PreparedCertificate& certificate : here->second) {
    Certificates more = chosen;
    more.push_back(certificate);
    ShowAnySubset(epoch, view, head, certificates, std::move(more), height + 1, out);
  }
}

void Liar::SayNewViews(const MessageSet& said, Epoch epoch, View view,
                       std::vector<MessageId>& out) {
  std::vector<MessageId> honest, own{0};  // 0: none of its own
  ForEach(said, [&](MessageId id) {
    const Entry& entry = shared_.book.at(id);
    const bool of_view = entry.kind == Kind::kViewChange && entry.view == view.value;
    if (of_view && entry.epoch == epoch) honest.push_back(id);
  });
  for (const MessageId id : out) {
    const Entry& entry = shared_.book.at(id);
    const bool mine = entry.kind == Kind::kViewChange && entry.signer == validator_;
    if (mine && entry.view == view.value && entry.epoch == epoch) own.push_back(id);
  }
  const std::uint32_t quorum = shared_.book.set(epoch)->quorum();
  for (std::uint32_t subset = 1; subset < (1u << honest.size()); ++subset) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::vector<MessageId> changes;
      for (std::size_t k = 0; k < honest.size(); ++k) {
        if ((subset >> k & 1) != 0) changes.push_back(honest[k]);
      }
      if (i > 0) changes.push_back(own[i]);
      if (changes.size() + 1 < quorum) continue;  // one short is tried
      const auto [known, first] = new_views_.try_emplace(changes);
      if (first) {
        NewView opening{view, {}};
        for (const MessageId id : changes) {
          opening.view_changes.push_back(shared_.book.at(id).message);
        }
        std::sort(opening.view_changes.begin(), opening.view_changes.end(),
                  [](const auto& a, const auto& b) { return a->signer() < b->signer(); });
        Append(known->second, shared_.book.Say(epoch, validator_, std::move(opening)));
      }
      Append(out, known->second);
    }
  }
}

}  // namespace talent::model
