// The cluster a story plays on: its commands, and what each of them shows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "scenarios/words.h"
#include "unit/consensus/harness.h"

namespace talent::scenarios {

class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;  // the cluster reports to this very one
  Stage& operator=(const Stage&) = delete;

  /// Performs one command (README.md has them) and returns what it shows, a line each.
  /// Errors: kInvalidArgument (no such command), kPrecondition (cannot be done now, or what must
  /// hold does not).
  Result<std::string> Perform(const std::string& command);

 private:
  using Packet = consensus::test::Harness::Packet;
  /// Some of the messages under way.
  struct Filter {
    std::set<std::string> kinds;  // empty: all
    std::set<std::uint32_t> from, to;
    std::set<Height> heights;
  };
  struct Line {
    std::vector<std::uint32_t> who;
    std::string what;
  };

  using Handler = Status (Stage::*)(const Words& words);
  static const std::map<std::string, Handler, std::less<>>& Commands();

  // stage.cpp
  Status Cluster(const Words& words);
  Status Waits(const Words& words);
  Status Propose(const Words& words);
  Status Starves(const Words& words);
  Status Fire(const Words& words);
  Status Run(const Words& words);
  Status Deliver(const Words& words);
  Status Lose(const Words& words);
  Status Drop(const Words& words);
  Status Heal(const Words& words);
  Status Hold(const Words& words);
  Status Release(const Words& words);
  Status Refuse(const Words& words);
  Status Twist(const Words& words);
  Status Crash(const Words& words);
  Status Restart(const Words& words);
  Status Fetch(const Words& words);
  Status EpochEnds(const Words& words);
  Status Enter(const Words& words);
  Status Show(const Words& words);
  Status State(const Words& words);
  Status Log(const Words& words);
  Status Must(const Words& words);

  // say.cpp: what a liar says.
  Status Say(const Words& words);
  Status Repeat(const Words& words);
  Result<consensus::Content> ParseContent(std::uint32_t liar, const Words& words);
  Result<consensus::Content> ParseViewChange(std::uint32_t liar, const Words& words);
  Result<consensus::Content> ParseNewView(std::uint32_t liar, const Words& words);
  Result<consensus::CertifiedHead> ParseHead(std::uint32_t liar, std::string_view word);
  Status Hand(const Bytes& message, const std::vector<std::uint32_t>& to);

  /// Each of the validators named in words[1], or "all".
  Status ForEach(const Words& words, const std::function<Status(std::uint32_t)>& work);
  Result<Filter> ParseFilter(const Words& words, std::size_t first) const;
  bool Matches(const Filter& filter, const Packet& packet) const;
  void Observe(std::uint32_t who, const consensus::Action& action);
  void NameBlocks(std::uint32_t who);
  /// Same lines of several validators are joined; the lines of each stay in order.
  void Print(std::uint32_t who, std::string what);
  std::string StateOf(std::uint32_t who) const;
  Result<std::string> Fact(std::uint32_t who, const std::string& name) const;
  Status CheckAgreement() const;

  std::unique_ptr<consensus::test::Harness> cluster_;
  Names names_;
  std::vector<std::string> twists_;
  std::vector<Filter> drops_;
  std::set<std::uint32_t> down_;
  std::map<std::uint32_t, std::size_t> votes_sent_;  // since the last restart
  std::set<std::string> shown_;
  std::vector<Line> lines_;
};

}  // namespace talent::scenarios
