#include "scenarios/stage.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace talent::scenarios {

using namespace consensus;  // NOLINT: this file plays its events
using consensus::test::Harness;

namespace {

constexpr std::uint32_t kMaxValidators = 16;
const std::map<std::string, std::uint32_t> kTimers = {{"status", 0}, {"progress", 1}, {"view", 2}};

Status Arguments(const Words& words, std::size_t least) {
  if (words.size() > least) return {};
  return Fail(Code::kInvalidArgument, "'{}' wants {} words or more after it", words[0], least);
}

}  // namespace

const std::map<std::string, Stage::Handler, std::less<>>& Stage::Commands() {
  static const std::map<std::string, Handler, std::less<>> kCommands = {
      {"cluster", &Stage::Cluster}, {"waits", &Stage::Waits},     {"propose", &Stage::Propose},
      {"starves", &Stage::Starves}, {"fire", &Stage::Fire},       {"run", &Stage::Run},
      {"deliver", &Stage::Deliver}, {"lose", &Stage::Lose},       {"drop", &Stage::Drop},
      {"heal", &Stage::Heal},       {"hold", &Stage::Hold},       {"release", &Stage::Release},
      {"refuse", &Stage::Refuse},   {"accept", &Stage::Refuse},   {"twist", &Stage::Twist},
      {"crash", &Stage::Crash},     {"restart", &Stage::Restart}, {"fetch", &Stage::Fetch},
      {"show", &Stage::Show},       {"state", &Stage::State},     {"log", &Stage::Log},
      {"epoch", &Stage::EpochEnds}, {"enter", &Stage::Enter},     {"must", &Stage::Must},
      {"say", &Stage::Say},         {"repeat", &Stage::Repeat},
  };
  return kCommands;
}

Result<std::string> Stage::Perform(const std::string& command) {
  const Words words = Split(command);
  const auto it = Commands().find(words[0]);
  if (it == Commands().end()) return Fail(Code::kInvalidArgument, "no command '{}'", words[0]);
  if (cluster_ == nullptr && words[0] != "cluster") {
    return Fail(Code::kPrecondition, "'cluster' comes first");
  }
  lines_.clear();
  TRY((this->*it->second)(words));
  TRY(CheckAgreement());
  std::string out;
  for (Line& line : lines_) {
    std::sort(line.who.begin(), line.who.end());
    out += fmt::format("{} {}\n", fmt::join(line.who, ","), line.what);
  }
  return out;
}

Status Stage::ForEach(const Words& words, const std::function<Status(std::uint32_t)>& work) {
  TRY(Arguments(words, 1));
  for (const std::uint32_t i : TRY(Validators(words[1], cluster_->size()))) {
    if (down_.contains(i) && words[0] != "restart" && words[0] != "log") {
      return Fail(Code::kPrecondition, "validator {} is down", i);
    }
    TRY(work(i));
  }
  return {};
}

// cluster N [window W]
Status Stage::Cluster(const Words& words) {
  TRY(Arguments(words, 1));
  const std::uint64_t n = TRY(Number(words[1]));
  const std::uint64_t window = words.size() > 3 ? TRY(Number(words[3])) : 8;
  if (n < 1 || n > kMaxValidators || window < 1 || window > kMaxWindow / 2) {
    return Fail(Code::kInvalidArgument, "{} validators, window {}", n, window);
  }
  cluster_ =
      std::make_unique<Harness>(static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(window));
  twists_.assign(n, "");
  drops_.clear();
  down_.clear();
  votes_sent_.clear();
  shown_.clear();
  cluster_->observe = [this](std::uint32_t who, const Action& action) { Observe(who, action); };
  cluster_->pass = [this](const Packet& packet, const VerifiedMessage&) {
    return !down_.contains(packet.to) &&
           std::none_of(drops_.begin(), drops_.end(),
                        [&](const Filter& filter) { return Matches(filter, packet); });
  };
  return {};
}

// waits LIST [no]
Status Stage::Waits(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    cluster_->Step(i, WorkWaiting{words.size() < 3});
    return {};
  });
}

// propose I BATCH…
Status Stage::Propose(const Words& words) {
  TRY(Arguments(words, 2));
  return ForEach(words, [&](std::uint32_t i) -> Status {
    for (std::size_t w = 2; w < words.size(); ++w) {
      names_.AddBatch(words[w]);
      if (!cluster_->Propose(i, words[w])) Print(i, "may not propose " + words[w]);
    }
    return {};
  });
}

// starves LIST
Status Stage::Starves(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    cluster_->Step(i, RequestStarved{});
    return {};
  });
}

// fire LIST progress|view|status
Status Stage::Fire(const Words& words) {
  TRY(Arguments(words, 2));
  const auto timer = kTimers.find(words[2]);
  if (timer == kTimers.end()) return Fail(Code::kInvalidArgument, "no timer '{}'", words[2]);
  return ForEach(words, [&](std::uint32_t i) -> Status {
    if (!cluster_->node(i).timers.contains(timer->second)) {
      return Fail(Code::kPrecondition, "validator {} has set no {} timer", i, words[2]);
    }
    cluster_->Fire(i, timer->second);
    return {};
  });
}

// run: delivers until nothing is under way
Status Stage::Run(const Words&) {
  cluster_->Run();
  return {};
}

// deliver FILTER: these only, of what is under way now
Status Stage::Deliver(const Words& words) {
  const Filter filter = TRY(ParseFilter(words, 1));
  auto under_way = std::exchange(cluster_->network, {});
  decltype(under_way) now, later;
  for (Packet& packet : under_way) {
    (Matches(filter, packet) ? now : later).push_back(std::move(packet));
  }
  for (const Packet& packet : now) {
    if (!down_.contains(packet.to)) TRY(cluster_->Deliver(packet.to, packet.bytes));
  }
  auto& network = cluster_->network;
  network.insert(network.begin(), later.begin(), later.end());
  return {};
}

// lose FILTER
Status Stage::Lose(const Words& words) {
  const Filter filter = TRY(ParseFilter(words, 1));
  std::erase_if(cluster_->network, [&](const Packet& p) { return Matches(filter, p); });
  return {};
}

// drop FILTER: from now on
Status Stage::Drop(const Words& words) {
  drops_.push_back(TRY(ParseFilter(words, 1)));
  return {};
}

Status Stage::Heal(const Words&) {
  drops_.clear();
  return {};
}

// hold LIST durable|executed|sealed…
Status Stage::Hold(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    auto& node = cluster_->node(i);
    for (std::size_t w = 2; w < words.size(); ++w) {
      if (words[w] == "durable") {
        node.answer_durable = false;
      } else if (words[w] == "executed") {
        node.answer_executed = false;
      } else if (words[w] == "sealed") {
        node.answer_sealed = false;
      } else {
        return Fail(Code::kInvalidArgument, "no answer '{}'", words[w]);
      }
    }
    return {};
  });
}

// release LIST
Status Stage::Release(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    auto& node = cluster_->node(i);
    cluster_->ReleaseHeld(i);
    node.answer_durable = node.answer_executed = node.answer_sealed = true;
    return {};
  });
}

// refuse LIST, accept LIST
Status Stage::Refuse(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    cluster_->node(i).vet_ok = words[0] == "accept";
    return {};
  });
}

// twist LIST TEXT
Status Stage::Twist(const Words& words) {
  TRY(Arguments(words, 2));
  return ForEach(words, [&](std::uint32_t i) -> Status {
    twists_[i] = cluster_->node(i).twist = words[2];
    return {};
  });
}

// crash LIST
Status Stage::Crash(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    down_.insert(i);
    return {};
  });
}

// restart LIST [written | torn | votes-lost]
Status Stage::Restart(const Words& words) {
  const std::string how = words.size() > 2 ? words[2] : "";
  return ForEach(words, [&](std::uint32_t i) -> Status {
    auto& node = cluster_->node(i);
    if (how == "written") {
      for (auto& record : node.writing) {
        if (record) node.log.push_back(std::move(*record));
      }
    } else if (how == "torn") {
      if (node.log.empty()) return Fail(Code::kPrecondition, "validator {} has no votes", i);
      node.log.pop_back();
    } else if (how == "votes-lost") {
      node.log.clear();
    } else if (!how.empty()) {
      return Fail(Code::kInvalidArgument, "restart how: '{}'?", how);
    }
    down_.erase(i);
    votes_sent_[i] = 0;
    node.answer_durable = node.answer_executed = node.answer_sealed = true;
    cluster_->Restart(i, how == "votes-lost");
    return {};
  });
}

// fetch LIST from J: sealed blocks, as catch-up brings them
Status Stage::Fetch(const Words& words) {
  TRY(Arguments(words, 3));
  const auto source = TRY(Validators(words[3], cluster_->size()));
  return ForEach(words, [&](std::uint32_t i) -> Status {
    const auto& blocks = cluster_->node(source.at(0)).finalised;
    for (std::size_t h = cluster_->node(i).finalised.size(); h < blocks.size(); ++h) {
      Print(i, fmt::format("fetches h{} {}", h + 1, names_.Block(blocks[h].block_hash)));
    }
    cluster_->FetchBlocks(i, source.at(0));
    return {};
  });
}

// epoch ends HEIGHT decided HEIGHT then NODES: nodes above the last one are new
Status Stage::EpochEnds(const Words& words) {
  TRY(Arguments(words, 6));
  std::vector<std::uint32_t> members = TRY(Validators(words[6], kMaxValidators));
  cluster_->DecideEpoch(Height(TRY(Number(words[4], "h"))), Height(TRY(Number(words[2], "h"))),
                        members);
  twists_.resize(cluster_->size());
  return {};
}

// enter LIST: the host makes the next epoch's replica, or none where it is no member
Status Stage::Enter(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    cluster_->EnterNextEpoch(i);
    return {};
  });
}

// show [timers] [records] [vets] [status]: from now on
Status Stage::Show(const Words& words) {
  shown_ = {words.begin() + 1, words.end()};
  return {};
}

// state LIST
Status Stage::State(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    Print(i, StateOf(i));
    return {};
  });
}

// log LIST: its vote log
Status Stage::Log(const Words& words) {
  return ForEach(words, [&](std::uint32_t i) -> Status {
    for (const Bytes& record : cluster_->node(i).log) Print(i, DescribeRecord(record, names_));
    return {};
  });
}

// must LIST FACT VALUE…: holds, or the story fails, --update or not
Status Stage::Must(const Words& words) {
  TRY(Arguments(words, 3));
  return ForEach(words, [&](std::uint32_t i) -> Status {
    for (std::size_t w = 2; w + 1 < words.size(); w += 2) {
      const std::string fact = TRY(Fact(i, words[w]));
      if (fact == words[w + 1]) continue;
      return Fail(Code::kPrecondition, "validator {}: {} is {}, must be {} ({})", i, words[w], fact,
                  words[w + 1], StateOf(i));
    }
    return {};
  });
}

Result<Stage::Filter> Stage::ParseFilter(const Words& words, std::size_t first) const {
  Filter filter;
  for (std::size_t w = first; w < words.size(); ++w) {
    const std::string& word = words[w];
    if (word == "from" || word == "to") {
      TRY(Arguments(words, w + 1));
      const auto list = TRY(Validators(words[++w], cluster_->size()));
      (word == "from" ? filter.from : filter.to).insert(list.begin(), list.end());
    } else if (word.starts_with('h')) {
      filter.heights.insert(Height(TRY(Number(word, "h"))));
    } else {
      filter.kinds.insert(word);
    }
  }
  return filter;
}

bool Stage::Matches(const Filter& filter, const Packet& packet) const {
  const auto decoded = DecodeMessage(packet.bytes).value();
  if (!filter.kinds.empty() && !filter.kinds.contains(std::string(KindOf(decoded.content)))) {
    return false;
  }
  if (!filter.from.empty() && !filter.from.contains(packet.from)) return false;
  if (!filter.to.empty() && !filter.to.contains(packet.to)) return false;
  if (filter.heights.empty()) return true;
  Height height;
  if (const auto* offer = std::get_if<PrePrepare>(&decoded.content)) height = offer->at.height;
  if (const auto* vote = std::get_if<Prepare>(&decoded.content)) height = vote->at.height;
  if (const auto* vote = std::get_if<consensus::Commit>(&decoded.content)) height = vote->at.height;
  if (const auto* seal = std::get_if<SealVote>(&decoded.content)) height = seal->height;
  return filter.heights.contains(height);
}

void Stage::Print(std::uint32_t who, std::string what) {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    const bool has_it = std::find(line->who.begin(), line->who.end(), who) != line->who.end();
    if (line->what == what && !has_it) return line->who.push_back(who);
    if (has_it) break;
  }
  lines_.push_back({{who}, std::move(what)});
}

void Stage::NameBlocks(std::uint32_t who) {
  const auto& node = cluster_->node(who);
  for (std::size_t h = 0; h < node.headers.size(); ++h) {
    std::string name = node.batches[h].empty() ? "null" : node.batches[h];
    if (!twists_[who].empty()) name += "~" + twists_[who];
    names_.AddBlock(Height(h + 1), test::HeaderHash(node.headers[h]), std::move(name));
  }
}

void Stage::Observe(std::uint32_t who, const Action& action) {
  NameBlocks(who);
  const auto said = [&](const std::string& to, const Bytes& bytes) {
    const Decoded decoded = DecodeMessage(bytes).value();
    const Content& content = decoded.content;
    if (content.index() <= 5) ++votes_sent_[who];  // up to NEW-VIEW: what an observer may not say
    if (std::holds_alternative<PeerStatus>(content) && !shown_.contains("status")) return;
    std::vector<std::uint32_t> changes;  // what a new view is made of
    for (const Bytes& change : decoded.view_changes) {
      changes.push_back(DecodeMessage(change).value().signer.value);
    }
    Print(who, fmt::format("> {} {}{}{}", to, Describe(content, names_),
                           changes.empty() ? "" : " of ", fmt::join(changes, ",")));
  };
  if (const auto* send = std::get_if<Send>(&action)) {
    said(fmt::format("{}", send->to), send->message);
  } else if (const auto* broadcast = std::get_if<Broadcast>(&action)) {
    said("all", broadcast->message);
  } else if (const auto* persist = std::get_if<Persist>(&action)) {
    if (shown_.contains("records")) Print(who, "keeps " + DescribeRecord(persist->record, names_));
  } else if (const auto* vet = std::get_if<Vet>(&action)) {
    if (shown_.contains("vets")) {
      Print(who, fmt::format("vets h{} {}{}", vet->height, names_.Batch(vet->digest),
                             vet->fresh ? " as fresh" : ""));
    }
  } else if (const auto* execute = std::get_if<Execute>(&action)) {
    Print(who, fmt::format("executes h{} {}", execute->height,
                           names_.Batch(OrderDigest(execute->proposal->batch))));
  } else if (const auto* finalise = std::get_if<Finalise>(&action)) {
    Print(who,
          fmt::format("finalises h{} {}", finalise->height, names_.Block(finalise->block_hash)));
  } else if (const auto* timer = std::get_if<SetTimer>(&action)) {
    const bool status = timer->timer == kTimers.at("status");
    if (shown_.contains("timers") && !status) {
      Print(who,
            fmt::format("sets the {} timer to {}",
                        timer->timer == kTimers.at("view") ? "view" : "progress", timer->after));
    }
  } else if (const auto* behind = std::get_if<CatchUp>(&action)) {
    Print(who, fmt::format("wants blocks up to h{} from {}", behind->target, behind->hint));
  } else if (const auto* diverged = std::get_if<Diverged>(&action)) {
    Print(who, fmt::format("DIVERGED at h{}: {} here, {} sealed", diverged->height,
                           names_.Block(diverged->ours), names_.Block(diverged->theirs)));
  } else if (const auto* alarm = std::get_if<SealsDiffer>(&action)) {
    std::vector<std::uint32_t> others;
    for (const ValidatorIndex i : alarm->who) others.push_back(i.value);
    Print(who,
          fmt::format("ALARM at h{}: {} seal otherwise", alarm->height, fmt::join(others, ",")));
  } else if (const auto* forgotten = std::get_if<VotesForgotten>(&action)) {
    Print(who, fmt::format("ALARM at h{}: shown a vote of its own that it has forgotten",
                           forgotten->height));
  } else if (const auto* evidence = std::get_if<Evidence>(&action)) {
    Print(who, fmt::format("has evidence against {}: {} and {}", evidence->culprit,
                           DescribeSigned(evidence->first, names_),
                           DescribeSigned(evidence->second, names_)));
  }
}

std::string Stage::StateOf(std::uint32_t who) const {
  if (!cluster_->node(who).replica) return "has no part in this epoch";
  const ReplicaStatus s = cluster_->status(who);
  return fmt::format("view {}{} sealed {} executed {} prepared {} accepted {}{}{}", s.view,
                     s.view_changing ? " (changing)" : "", s.sealed, s.executed, s.prepared,
                     s.proposed, s.observer ? " observer" : "", s.diverged ? " diverged" : "");
}

Result<std::string> Stage::Fact(std::uint32_t who, const std::string& name) const {
  const auto& node = cluster_->node(who);
  if (!node.replica) return name == "member" ? "no" : "none";
  const ReplicaStatus s = cluster_->status(who);
  const auto yes = [](bool value) { return std::string(value ? "yes" : "no"); };
  if (name == "member") return yes(true);
  if (name == "epoch") return fmt::format("{}", s.epoch);
  if (name == "done") return yes(s.done);
  if (name == "view") return fmt::format("{}", s.view);
  if (name == "changing") return yes(s.view_changing);
  if (name == "sealed") return fmt::format("{}", s.sealed);
  if (name == "executed") return fmt::format("{}", s.executed);
  if (name == "prepared") return fmt::format("{}", s.prepared);
  if (name == "accepted") return fmt::format("{}", s.proposed);
  if (name == "observer") return yes(s.observer);
  if (name == "diverged") return yes(s.diverged);
  if (name == "dropped") return fmt::format("{}", s.dropped_messages);
  if (name == "evidence") return fmt::to_string(node.evidence.size());
  if (name == "votes") {
    const auto it = votes_sent_.find(who);
    return fmt::to_string(it == votes_sent_.end() ? 0 : it->second);
  }
  if (name == "batches") {
    Words batches = node.batches;
    std::replace(batches.begin(), batches.end(), std::string(), std::string("null"));
    return fmt::format("{}", fmt::join(batches, ","));
  }
  return Fail(Code::kInvalidArgument, "no fact '{}'", name);
}

Status Stage::CheckAgreement() const {
  std::map<Height, std::pair<std::uint32_t, Hash>> sealed;
  for (std::uint32_t i = 0; i < cluster_->size(); ++i) {
    for (const Finalise& block : cluster_->node(i).finalised) {
      const auto [it, added] = sealed.try_emplace(block.height, i, block.block_hash);
      if (added || it->second.second == block.block_hash) continue;
      return Fail(Code::kPrecondition, "fork: {} and {} seal other blocks at height {}",
                  it->second.first, i, block.height);
    }
  }
  return {};
}

}  // namespace talent::scenarios
