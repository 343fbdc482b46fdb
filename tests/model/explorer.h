// Every state that the correct validators can get into within a bound, breadth first.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/liar.h"

namespace talent::model {

struct Bound {
  std::string name;
  Limits limits;
  std::uint32_t liar = 0;     // validator that lies; the primary of view v is validator v mod 4
  std::uint32_t crashes = 0;  // of correct validators, all together
  bool sealing = true;        // false: seals are never heard, nor blocks fetched
  std::uint64_t max_states = 12'000'000;
};

struct Report {
  std::string violation;           // empty: none
  std::vector<std::string> trace;  // that leads there, shortest
  bool complete = false;           // every state within the bound was visited
  std::uint64_t states = 0, steps = 0, local_states = 0, messages = 0, forgeries_refused = 0;
  std::uint32_t depth = 0;
};

class Explorer {
 public:
  explicit Explorer(Bound bound);
  Report Run();

 private:
  static constexpr std::size_t kMembers = 4;  // correct ones, at most
  using LocalId = std::uint32_t;
  using InputId = std::uint32_t;
  using UnionId = std::uint32_t;
  struct State {
    std::array<LocalId, kMembers> locals{};
    std::uint32_t parent = 0;
    InputId input = 0;
    std::uint32_t mover = 0;
  };
  struct Local {
    std::unique_ptr<Member> member;
    std::vector<InputId> own_inputs;  // timers, proposing
  };
  struct Hash64 {
    std::size_t operator()(const std::array<LocalId, kMembers>& locals) const;
  };

  LocalId InternLocal(std::unique_ptr<Member> member);
  InputId InternInput(Input input);
  UnionId InternUnion(const MessageSet& said);
  void AddMessageInputs(const MessageSet& said, std::vector<InputId>& out);
  void CheckUnion(const MessageSet& said);
  const std::vector<LocalId>& Next(LocalId local, InputId input, bool crash);
  /// A view change was joined only where f+1 others want that view or a later one.
  bool IsFollowed(const Member& after, const Input& input) const;
  void Expand(std::uint32_t index);
  void Visit(State state);
  void CheckAgreement(const State& state);
  void Violate(std::string what);
  std::string Describe(const Input& input) const;
  std::vector<std::string> Trace(std::uint32_t index) const;

  Bound bound_;
  Shared shared_;
  Liar liar_;
  std::vector<std::uint32_t> correct_;  // validators, by place in State::locals
  std::deque<Local> locals_;            // references stay
  std::unordered_map<std::string, LocalId> local_ids_;
  std::vector<Input> inputs_;
  std::unordered_map<std::string, InputId> input_ids_;
  std::vector<std::vector<InputId>> union_inputs_;
  std::unordered_map<MessageSet, UnionId> union_ids_;
  std::unordered_map<std::uint64_t, std::vector<LocalId>> next_;
  std::vector<State> states_;
  std::unordered_map<std::array<LocalId, kMembers>, std::uint32_t, Hash64> visited_;
  Report report_;
};

}  // namespace talent::model
