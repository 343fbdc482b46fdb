#include "soak/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace talent::soak {
namespace {

constexpr std::size_t kMaxComplaints = 50;  // enough to see what went wrong

std::string Text(const Answer& answer) {
  switch (answer.kind) {
    case Answer::kUnknown:
      return "unknown";
    case Answer::kRefused:
      return "refused";
    case Answer::kSealed:
      return fmt::format("sealed at {}/{}", answer.height, answer.index);
    case Answer::kRejected:
      return fmt::format("rejected at {}/{}", answer.height, answer.index);
    case Answer::kExpired:
      return "expired";
  }
  return "?";
}

bool Definite(const Answer& answer) {
  return answer.kind != Answer::kUnknown && answer.kind != Answer::kRefused;
}
bool InBlock(const Answer& answer) {
  return answer.kind == Answer::kSealed || answer.kind == Answer::kRejected;
}

class Checker {
 public:
  std::vector<std::string> Check(const std::vector<Submission>& submissions,
                                 const std::vector<Reading>& readings, const FinalAnswers& finals) {
    for (const Submission& s : submissions) Learn(s.id, s.answer, s.answered, "a submission");
    for (const Reading& r : readings) Learn(r.id, r.answer, r.answered, r.node);
    CheckOrder(submissions);
    CheckReadings(readings);
    CheckFinals(submissions, finals);
    return std::move(complaints_);
  }

 private:
  struct Known {
    Answer answer;
    Instant since{0};  // when a client first knew
  };

  template <class... Args>
  void Complain(fmt::format_string<Args...> format, Args&&... args) {
    if (complaints_.size() < kMaxComplaints) {
      complaints_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }
  }

  void Learn(const TxId& id, const Answer& answer, Instant at, const std::string& source) {
    if (!Definite(answer)) return;
    const auto [known, first] = known_.try_emplace(id, Known{answer, at});
    if (first) return;
    if (known->second.answer != answer) {
      Complain("{} was {}, and {} by {} at {} ms", id.Hex(), Text(known->second.answer),
               Text(answer), source, at.count() / 1000);
    }
    known->second.since = std::min(known->second.since, at);
  }

  // Of everything acknowledged before a submission the highest block must lie below its own.
  void CheckOrder(const std::vector<Submission>& submissions) {
    std::map<TxId, Instant> first_invoked;
    for (const Submission& s : submissions) {
      const auto [at, first] = first_invoked.try_emplace(s.id, s.invoked);
      if (!first) at->second = std::min(at->second, s.invoked);
    }
    std::vector<std::pair<Instant, std::uint64_t>> acknowledged;  // when, height
    for (const auto& [id, known] : known_) {
      if (InBlock(known.answer)) acknowledged.emplace_back(known.since, known.answer.height);
    }
    std::sort(acknowledged.begin(), acknowledged.end());
    std::uint64_t highest = 0;
    for (auto& [since, height] : acknowledged) height = highest = std::max(highest, height);
    for (const auto& [id, invoked] : first_invoked) {
      const auto known = known_.find(id);
      if (known == known_.end() || !InBlock(known->second.answer)) continue;
      const auto before = std::lower_bound(acknowledged.begin(), acknowledged.end(),
                                           std::pair(invoked, std::uint64_t{0}));
      if (before == acknowledged.begin()) continue;
      const std::uint64_t above = std::prev(before)->second;
      if (known->second.answer.height <= above) {
        Complain("{} lies at {} though {} was acknowledged before it was submitted", id.Hex(),
                 known->second.answer.height, above);
      }
    }
  }

  void CheckReadings(std::vector<Reading> readings) {
    std::sort(readings.begin(), readings.end(),
              [](const Reading& a, const Reading& b) { return a.invoked < b.invoked; });
    std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> last;
    for (const Reading& r : readings) {
      std::uint64_t& height = last[{r.client, r.node}];
      if (r.as_of < height) {
        Complain("{} answered client {} from height {} after {}", r.node, r.client, r.as_of,
                 height);
      }
      height = std::max(height, r.as_of);
      const auto known = known_.find(r.id);
      if (known == known_.end() || !InBlock(known->second.answer)) continue;
      if (r.as_of >= known->second.answer.height && !InBlock(r.answer)) {
        Complain("{} answered from height {} that {} is {}, which lies at {}", r.node, r.as_of,
                 r.id.Hex(), Text(r.answer), known->second.answer.height);
      }
    }
  }

  void CheckFinals(const std::vector<Submission>& submissions, const FinalAnswers& finals) {
    std::map<TxId, bool> only_refused;
    for (const Submission& s : submissions) {
      const bool refused = s.answer.kind == Answer::kRefused;
      const auto [all, first] = only_refused.try_emplace(s.id, refused);
      if (!first) all->second = all->second && refused;
    }
    for (const auto& [id, refused] : only_refused) {
      std::optional<Answer> agreed;
      for (const auto& [node, answers] : finals) {
        const auto at = answers.find(id);
        const Answer answer = at == answers.end() ? Answer{} : at->second;
        if (agreed && *agreed != answer) {
          Complain("{} is {} on {} and {} elsewhere", id.Hex(), Text(answer), node, Text(*agreed));
        }
        agreed = answer;
        const auto known = known_.find(id);
        if (known != known_.end()) {
          const bool expired = known->second.answer.kind == Answer::kExpired;
          if (expired ? InBlock(answer) : answer != known->second.answer) {
            Complain("{} was {} and is {} on {} at the end", id.Hex(), Text(known->second.answer),
                     Text(answer), node);
          }
        }
        if (refused && InBlock(answer)) {
          Complain("{} was refused and is {} on {}", id.Hex(), Text(answer), node);
        }
      }
    }
  }

  std::map<TxId, Known> known_;
  std::vector<std::string> complaints_;
};

}  // namespace

void History::Add(const Submission& submission) {
  const std::lock_guard lock(mutex_);
  submissions_.push_back(submission);
}

void History::Add(const Reading& reading) {
  const std::lock_guard lock(mutex_);
  readings_.push_back(reading);
}

std::vector<Submission> History::submissions() const {
  const std::lock_guard lock(mutex_);
  return submissions_;
}

std::vector<Reading> History::readings() const {
  const std::lock_guard lock(mutex_);
  return readings_;
}

std::vector<std::string> CheckHistory(const std::vector<Submission>& submissions,
                                      const std::vector<Reading>& readings,
                                      const FinalAnswers& finals) {
  return Checker().Check(submissions, readings, finals);
}

}  // namespace talent::soak
