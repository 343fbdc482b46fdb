// What a faulty validator says: any message, signed with its own key.
#include "scenarios/stage.h"

namespace talent::scenarios {

using namespace consensus;  // NOLINT: this file speaks its messages

namespace {

std::size_t Find(const Words& words, std::string_view word) {
  return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

Result<Position> ParsePosition(const Words& words) {
  if (words.size() < 4) return Fail(Code::kInvalidArgument, "a vote is 'v… h… BATCH'");
  return Position{View(TRY(Number(words[1], "v"))), Height(TRY(Number(words[2], "h"))),
                  OrderDigest(words[3] == "null" ? "" : words[3])};
}

}  // namespace

// say LIAR [as I] [epoch E] [chain other] > LIST MESSAGE
Status Stage::Say(const Words& words) {
  const std::size_t arrow = Find(words, ">");
  if (words.size() < arrow + 3) return Fail(Code::kInvalidArgument, "say WHO > WHOM WHAT");
  const auto liar = static_cast<std::uint32_t>(TRY(Number(words[1])));
  std::uint32_t signer = liar;
  Epoch epoch(0);
  ChainId chain = test::TestChain();
  for (std::size_t w = 2; w + 1 < arrow; w += 2) {
    if (words[w] == "as") {
      signer = static_cast<std::uint32_t>(TRY(Number(words[w + 1])));
    } else if (words[w] == "epoch") {
      epoch = Epoch(TRY(Number(words[w + 1])));
    } else if (words[w] == "chain") {
      chain.data()[1] = 1;
    } else {
      return Fail(Code::kInvalidArgument, "say how: '{}'?", words[w]);
    }
  }
  const Words what(words.begin() + static_cast<std::ptrdiff_t>(arrow) + 2, words.end());
  Content content = TRY(ParseContent(liar, what));
  const auto message = VerifiedMessage::Sign(test::VoteKey(liar), chain, epoch,
                                             ValidatorIndex(signer), std::move(content));
  return Hand(message->Wire(), TRY(Validators(words[arrow + 1], cluster_->size())));
}

// repeat FILTER: everything of that kind ever sent, again
Status Stage::Repeat(const Words& words) {
  const Filter filter = TRY(ParseFilter(words, 1));
  const auto sent = cluster_->sent;
  for (const MessagePtr& message : sent) {
    for (std::uint32_t to = 0; to < cluster_->size(); ++to) {
      const Packet packet{message->signer().value, to, message->Wire()};
      if (to != packet.from && Matches(filter, packet)) TRY(Hand(packet.bytes, {to}));
    }
  }
  return {};
}

Status Stage::Hand(const Bytes& message, const std::vector<std::uint32_t>& to) {
  for (const std::uint32_t i : to) {
    if (down_.contains(i)) continue;
    if (const Status taken = cluster_->Deliver(i, message); !taken) {
      Print(i, fmt::format("refuses it: {}", CodeName(taken.error().code)));
    }
  }
  return {};
}

Result<Content> Stage::ParseContent(std::uint32_t liar, const Words& words) {
  const std::string& kind = words[0];
  if (kind == "PRE-PREPARE") {
    const Position at = TRY(ParsePosition(words));
    names_.AddBatch(words[3]);
    return PrePrepare{at, test::MakeProposal(words[3])};
  }
  if (kind == "PREPARE") return Prepare{TRY(ParsePosition(words))};
  if (kind == "COMMIT") return consensus::Commit{TRY(ParsePosition(words))};
  if (kind == "VIEW-CHANGE") return ParseViewChange(liar, words);
  if (kind == "NEW-VIEW") return ParseNewView(liar, words);
  if (kind == "SEAL" && words.size() > 2) {
    const Height height(TRY(Number(words[1], "h")));
    return SealVote{height, names_.BlockHash(height, words[2])};
  }
  if (kind == "STATUS" && words.size() > 3) {
    return PeerStatus{View(TRY(Number(words[1], "v"))),
                      false,
                      Height(TRY(Number(words[3], "h"))),
                      words.back() == "stalled",
                      {}};
  }
  if ((kind == "PROPOSAL-REQUEST" || kind == "PROPOSAL-REPLY") && words.size() > 2) {
    const Height height(TRY(Number(words[1], "h")));
    if (kind == "PROPOSAL-REQUEST") return ProposalRequest{height, OrderDigest(words[2])};
    return ProposalReply{height, OrderDigest(words[2]), test::MakeProposal(words[2])};
  }
  if (kind == "CERTIFIED" && words.size() > 1) return Certified{TRY(ParseHead(liar, words[1]))};
  return Fail(Code::kInvalidArgument, "no message '{}'", kind);
}

// h3: block 3 with its certificate. h3!: a block of that height that the liar alone has sealed.
Result<CertifiedHead> Stage::ParseHead(std::uint32_t liar, std::string_view word) {
  const bool forged = word.ends_with('!');
  if (forged) word.remove_suffix(1);
  const Height height(TRY(Number(word, "h")));
  if (forged) {
    CertifiedHead head{height, {}, test::TestHeader(height, "forged"), {}};
    head.block_hash = test::HeaderHash(head.header);
    for (std::uint32_t i = 0; i < cluster_->size(); ++i) {
      head.certificate.seals[ValidatorIndex(i)] =
          SignSeal(test::VoteKey(liar), test::TestChain(), head.block_hash);
    }
    return head;
  }
  if (height == Height(0)) return CertifiedHead{};
  for (std::uint32_t i = 0; i < cluster_->size(); ++i) {
    const auto& node = cluster_->node(i);
    if (node.finalised.size() < height.value) continue;
    const Finalise& block = node.finalised[height.value - 1];
    return CertifiedHead{height, block.block_hash, node.headers[height.value - 1],
                         block.certificate};
  }
  return Fail(Code::kPrecondition, "nobody has sealed height {}", height);
}

// VIEW-CHANGE v1 sealed h0 [prepared hN:BATCH@vM/0,1,2[!]]…: with prepares of these validators, or
// with the liar's signatures in their place.
Result<Content> Stage::ParseViewChange(std::uint32_t liar, const Words& words) {
  if (words.size() < 4) return Fail(Code::kInvalidArgument, "VIEW-CHANGE v… sealed h…");
  ViewChange out{View(TRY(Number(words[1], "v"))), TRY(ParseHead(liar, words[3])), {}};
  for (std::size_t w = 5; w < words.size(); w += 2) {
    const Words parts = Split(words[w], '/');
    const auto colon = parts[0].find(':'), view = parts[0].find('@');
    if (parts.size() < 2 || colon == std::string::npos || view == std::string::npos) {
      return Fail(Code::kInvalidArgument, "'{}' where hN:BATCH@vM/WHO belongs", words[w]);
    }
    const bool forged = parts[1].ends_with('!');
    PreparedCertificate certificate;
    certificate.at.height = Height(TRY(Number(parts[0].substr(0, colon), "h")));
    certificate.at.digest = OrderDigest(parts[0].substr(colon + 1, view - colon - 1));
    certificate.at.view = View(TRY(Number(parts[0].substr(view + 1), "v")));
    const auto who = parts[1].substr(0, parts[1].size() - (forged ? 1 : 0));
    for (const std::uint32_t i : TRY(Validators(who, cluster_->size()))) {
      certificate.prepares[ValidatorIndex(i)] =
          test::VoteKey(forged ? liar : i)
              .Sign(crypto::Domain::kPbftSignature, test::TestChain(),
                    PrepareBody(Epoch(0), certificate.at));
    }
    out.prepared.push_back(std::move(certificate));
  }
  return out;
}

// NEW-VIEW v1 of 0,2!,3: with the view changes these sent; of 2! one without what it prepared,
// which the liar had to sign itself.
Result<Content> Stage::ParseNewView(std::uint32_t liar, const Words& words) {
  if (words.size() < 4) return Fail(Code::kInvalidArgument, "NEW-VIEW v… of WHO");
  NewView out{View(TRY(Number(words[1], "v"))), {}};
  for (std::string who : Split(words[3], ',')) {
    const bool forged = who.ends_with('!');
    if (forged) who.pop_back();
    const ValidatorIndex signer(static_cast<std::uint32_t>(TRY(Number(who))));
    const auto sent = std::find_if(cluster_->sent.rbegin(), cluster_->sent.rend(), [&](auto& m) {
      return m->signer() == signer && std::holds_alternative<ViewChange>(m->content());
    });
    if (sent == cluster_->sent.rend()) {
      return Fail(Code::kPrecondition, "{} has sent no view change", who);
    }
    if (!forged) {
      out.view_changes.push_back(*sent);
      continue;
    }
    ViewChange bare = (*sent)->As<ViewChange>();
    bare.prepared.clear();
    out.view_changes.push_back(VerifiedMessage::Sign(test::VoteKey(liar), test::TestChain(),
                                                     Epoch(0), signer, std::move(bare)));
  }
  return out;
}

}  // namespace talent::scenarios
