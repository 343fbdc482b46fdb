#include "model/explorer.h"

#include <fmt/format.h>

#include <algorithm>

#include "consensus/replica_impl.h"

namespace talent::model {

namespace {

// Four validators; in a second epoch the first of them is gone and a fifth has come.
std::vector<Book::Term> Terms(const Limits& limits) {
  std::vector<Book::Term> terms{{{0, 1, 2, 3}, Height(1)}};
  if (limits.epoch_end > 0) terms.push_back({{1, 2, 3, 4}, Height(limits.epoch_end + 1)});
  return terms;
}

}  // namespace

std::size_t Explorer::Hash64::operator()(const std::array<LocalId, kMembers>& locals) const {
  std::uint64_t z = 0;
  for (const LocalId id : locals) {
    z = (z + id + 1) * 0x9e3779b97f4a7c15;
    z ^= z >> 29;
  }
  return z;
}

Explorer::Explorer(Bound bound)
    : bound_(std::move(bound)),
      shared_{Book(Terms(bound_.limits)), bound_.limits},
      liar_(shared_, bound_.liar) {
  for (std::uint32_t v = 0; v < (bound_.limits.epoch_end > 0 ? 5 : 4); ++v) {
    if (v != bound_.liar) correct_.push_back(v);
  }
}

Report Explorer::Run() {
  State first;
  for (std::size_t i = 0; i < correct_.size(); ++i) {
    first.locals[i] = InternLocal(std::make_unique<Member>(shared_, correct_[i]));
  }
  InternInput({});  // of the first state
  Visit(first);
  std::uint32_t level_end = 1;
  std::uint32_t index = 0;
  for (; index < states_.size() && report_.violation.empty(); ++index) {
    if (states_.size() >= bound_.max_states) break;
    if (index == level_end) {
      ++report_.depth;
      level_end = static_cast<std::uint32_t>(states_.size());
    }
    Expand(index);
  }
  report_.complete = report_.violation.empty() && index == states_.size();
  report_.states = states_.size();
  report_.local_states = locals_.size();
  report_.messages = shared_.book.size();
  report_.forgeries_refused = shared_.book.refused();
  return report_;
}

Explorer::LocalId Explorer::InternLocal(std::unique_ptr<Member> member) {
  const auto id = static_cast<LocalId>(locals_.size());
  const auto [known, added] = local_ids_.emplace(member->Identity(bound_.crashes > 0), id);
  if (!added) return known->second;
  Local& local = locals_.emplace_back(Local{std::move(member), {}});
  if (local.member->replica() == nullptr) return id;
  const auto& impl = local.member->replica()->impl();
  const bool may_leave = impl.view_.value + 1 < bound_.limits.views;
  const auto may = [&](Input::What what) {
    local.own_inputs.push_back(InternInput({.what = what, .messages = {}, .block = {}}));
  };
  if (impl.progress_timer_ && may_leave) may(Input::What::kProgressTimer);
  if (impl.view_change_timer_ && may_leave) may(Input::What::kViewTimer);
  const auto height = local.member->replica()->CanPropose();
  if (height && height->value <= bound_.limits.heights) may(Input::What::kPropose);
  return id;
}

Explorer::InputId Explorer::InternInput(Input input) {
  const auto id = static_cast<InputId>(inputs_.size());
  std::string key = fmt::format("{}:", static_cast<int>(input.what));
  for (const MessageId m : input.messages) key += fmt::format("{},", m);
  if (input.block) key += input.block->what;
  const auto [known, added] = input_ids_.emplace(std::move(key), id);
  if (added) inputs_.push_back(std::move(input));
  return known->second;
}

Explorer::UnionId Explorer::InternUnion(const MessageSet& said) {
  const auto id = static_cast<UnionId>(union_inputs_.size());
  const auto [known, added] = union_ids_.emplace(said, id);
  if (added) {
    CheckUnion(said);
    std::vector<InputId> inputs;
    AddMessageInputs(said, inputs);
    union_inputs_.push_back(std::move(inputs));
  }
  return known->second;
}

void Explorer::AddMessageInputs(const MessageSet& said, std::vector<InputId>& out) {
  MessageSet all = said;
  for (const MessageId id : liar_.Says(said)) all.set(id);
  std::map<ClassId, std::vector<MessageId>> classes;
  std::map<std::pair<Epoch, std::uint64_t>, std::vector<MessageId>> view_changes;
  const auto hear = [&](std::vector<MessageId> messages) {
    out.push_back(InternInput({.messages = std::move(messages), .block = {}}));
  };
  for (std::size_t i = all._Find_first(); i < all.size(); i = all._Find_next(i)) {
    const auto id = static_cast<MessageId>(i);
    const Entry& entry = shared_.book.at(id);
    if (entry.kind == Kind::kPrepare || entry.kind == Kind::kCommit) {
      classes[entry.votes].push_back(id);
    } else if (entry.kind == Kind::kSeal) {
      if (bound_.sealing) classes[entry.votes].push_back(id);
    } else {
      hear({id});
      if (entry.kind == Kind::kViewChange) view_changes[{entry.epoch, entry.view}].push_back(id);
    }
  }
  // Votes of one class count together, so they are heard together: hearing fewer and the rest later
  // leads to no other state.
  for (auto& [id, messages] : classes) hear(std::move(messages));
  // Two others' view changes and an own one are a quorum.
  for (const auto& [view, messages] : view_changes) {
    for (std::size_t a = 0; a < messages.size(); ++a) {
      for (std::size_t b = a + 1; b < messages.size(); ++b) {
        const bool one_signer =
            shared_.book.at(messages[a]).signer == shared_.book.at(messages[b]).signer;
        if (!one_signer) hear({messages[a], messages[b]});
      }
    }
  }
}

void Explorer::CheckUnion(const MessageSet& said) {
  std::map<ClassId, std::uint32_t> count;
  for (std::size_t i = said._Find_first(); i < said.size(); i = said._Find_next(i)) {
    ++count[shared_.book.at(static_cast<MessageId>(i)).votes];
  }
  std::map<std::tuple<Kind, Epoch, std::uint64_t, std::uint64_t>, ClassId> decided;
  for (const auto& [id, votes] : count) {
    const Entry& entry = shared_.book.ClassOf(id);
    // A commit says that q prepared. q seals, the liar's among them, are a certificate.
    const bool decides =
        entry.kind == Kind::kCommit ||
        (entry.kind == Kind::kSeal && votes + 1 >= shared_.book.set(entry.epoch)->quorum());
    if (!decides) continue;
    const auto [other, first] =
        decided.emplace(std::tuple(entry.kind, entry.kind == Kind::kSeal ? Epoch(0) : entry.epoch,
                                   entry.view, entry.height),
                        id);
    if (!first) {
      Violate(fmt::format("{} and {}", shared_.book.ClassOf(other->second).what, entry.what));
    }
  }
}

bool Explorer::IsFollowed(const Member& after, const Input& input) const {
  const bool moved = input.what == Input::What::kMessages && !input.crash_after &&
                     shared_.book.at(input.messages[0]).kind == Kind::kViewChange;
  const auto& impl = after.replica()->impl();
  if (!moved || !impl.view_changing_) return true;  // or it holds a quorum, and opened the view
  const auto wanting =
      std::count_if(impl.view_changes_.begin(), impl.view_changes_.end(), [&](const auto& entry) {
        const auto& change = entry.second->template As<consensus::ViewChange>();
        return entry.first != impl.self_ && change.view >= impl.view_;
      });
  return std::cmp_greater_equal(wanting, impl.weak_quorum());
}

const std::vector<Explorer::LocalId>& Explorer::Next(LocalId local, InputId input, bool crash) {
  const std::uint64_t key = std::uint64_t{local} << 32 | std::uint64_t{input} << 1 | crash;
  const auto known = next_.find(key);
  if (known != next_.end()) return known->second;
  std::vector<LocalId> results;
  const std::string seen = locals_[local].member->Visible();
  const auto take = [&](const Input& what) {
    auto after = std::make_unique<Member>(*locals_[local].member);
    const View before = after->replica() ? after->replica()->view() : View();
    if (!after->Take(what)) return false;
    if (!after->violation().empty()) Violate(after->violation());
    if (after->replica() && after->replica()->view() > before && !IsFollowed(*after, what)) {
      Violate(
          fmt::format("validator {} follows one validator to another view", after->validator()));
    }
    // What has no effect yet can be heard later, when it has.
    if (after->Visible() == seen) return true;
    const LocalId id = InternLocal(std::move(after));
    if (std::find(results.begin(), results.end(), id) == results.end()) results.push_back(id);
    return true;
  };
  Input what = inputs_[input];  // a copy: new inputs may be added
  if (!crash) {
    take(what);
  } else {
    for (const bool survives : {false, true}) {
      what.unsynced_survives = survives;
      what.crash_after = 0;
      while (take(what)) ++*what.crash_after;
    }
  }
  return next_.emplace(key, std::move(results)).first->second;
}

void Explorer::Expand(std::uint32_t index) {
  const State from = states_[index];
  MessageSet said;
  std::uint32_t crashes = 0;
  for (std::size_t i = 0; i < correct_.size(); ++i) {
    said |= locals_[from.locals[i]].member->said();
    crashes += locals_[from.locals[i]].member->crashes();
  }
  const UnionId all = InternUnion(said);
  for (std::uint32_t i = 0; i < correct_.size(); ++i) {
    std::vector<InputId> inputs = union_inputs_[all];
    const Local& local = locals_[from.locals[i]];
    inputs.insert(inputs.end(), local.own_inputs.begin(), local.own_inputs.end());
    for (std::size_t k = 0; bound_.sealing && k < correct_.size(); ++k) {
      const Member& other = *locals_[from.locals[k]].member;
      if (other.sealed() <= local.member->sealed()) continue;
      inputs.push_back(InternInput({.what = Input::What::kFetch,
                                    .messages = {},
                                    .block = other.blocks()[local.member->sealed()]}));
    }
    for (const InputId input : inputs) {
      for (const bool crash : {false, true}) {
        if (crash && crashes >= bound_.crashes) continue;
        for (const LocalId next : Next(from.locals[i], input, crash)) {
          ++report_.steps;
          State to = from;
          to.locals[i] = next;
          to.parent = index;
          to.input = input;
          to.mover = i;
          Visit(to);
        }
        if (!report_.violation.empty()) {
          if (report_.trace.empty()) {
            report_.trace = Trace(index);
            report_.trace.push_back(fmt::format("validator {}: {}{}", local.member->validator(),
                                                Describe(inputs_[input]),
                                                crash ? ", and a crash" : ""));
          }
          return;
        }
      }
    }
  }
}

void Explorer::Visit(State state) {
  const auto index = static_cast<std::uint32_t>(states_.size());
  if (!visited_.emplace(state.locals, index).second) return;
  states_.push_back(state);
  CheckAgreement(state);
}

void Explorer::CheckAgreement(const State& state) {
  const auto& moved = locals_[state.locals[state.mover]].member->executed();
  for (std::size_t i = 0; i < correct_.size(); ++i) {
    const auto& other = locals_[state.locals[i]].member->executed();
    for (std::size_t h = 0; h < std::min(moved.size(), other.size()); ++h) {
      if (moved[h] != other[h]) {
        return Violate(fmt::format("at height {} one executes {}, another {}", h + 1,
                                   shared_.book.Name(moved[h]), shared_.book.Name(other[h])));
      }
    }
  }
}

void Explorer::Violate(std::string what) {
  if (report_.violation.empty()) report_.violation = std::move(what);
}

std::string Explorer::Describe(const Input& input) const {
  switch (input.what) {
    case Input::What::kProgressTimer:
      return "its progress timer fires";
    case Input::What::kViewTimer:
      return "its view timer fires";
    case Input::What::kPropose:
      return "it proposes";
    case Input::What::kFetch:
      return "it fetches block " + input.block->what;
    case Input::What::kMessages:
      break;
  }
  std::string out = "it hears";
  for (const MessageId id : input.messages) out += " " + shared_.book.at(id).what + ";";
  return out;
}

std::vector<std::string> Explorer::Trace(std::uint32_t index) const {
  std::vector<std::string> out;
  for (; index != 0; index = states_[index].parent) {
    const State& state = states_[index];
    const Member& member = *locals_[state.locals[state.mover]].member;
    out.push_back(
        fmt::format("validator {}: {}", member.validator(), Describe(inputs_[state.input])));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace talent::model
