// One correct validator, of now or of the next epoch: the real replica, and a host that answers it
// at once.
#pragma once

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/replica.h"
#include "model/book.h"

namespace talent::model {

using MessageSet = std::bitset<kMaxMessages>;

/// A sealed block that others can fetch.
struct Block {
  Height height;
  Hash hash;
  Bytes header;
  crypto::Certificate certificate;
  std::string what;  // its batch and its parents'
};

struct Limits {
  std::uint32_t window = 1;
  std::uint64_t heights = 1;  // nothing is proposed above
  std::uint64_t views = 2;    // 0 … views-1, of each epoch
  /// Last height of epoch 0, decided by the block `window` below it; 0: there is one epoch.
  std::uint64_t epoch_end = 0;
};

/// What can happen to a member.
struct Input {
  enum class What { kMessages, kProgressTimer, kViewTimer, kPropose, kFetch };
  What what = What::kMessages;
  std::vector<MessageId> messages;
  std::shared_ptr<const Block> block;  // of kFetch
  /// Crash after so many actions; the log then has everything written or only what was synced.
  std::optional<std::uint32_t> crash_after = {};
  bool unsynced_survives = false;
};

/// What the members of one run share.
struct Shared {
  Book book;
  Limits limits;
  std::map<Hash, Bytes> headers = {};  // of every block executed
};

class Member {
 public:
  Member(Shared& shared, std::uint32_t validator);
  Member(const Member& other);
  Member& operator=(const Member&) = delete;

  /// Lets it happen. False: it crashed at no point, there were fewer actions.
  bool Take(const Input& input);

  /// All that it shows or has promised; unequal where something that it heard had an effect.
  std::string Visible() const;
  /// Visible, and what it heard that may have an effect yet: members of equal identity behave
  /// alike. The log counts where a crash is to come.
  std::string Identity(bool with_log) const;
  /// Something a correct validator never does, alone.
  const std::string& violation() const { return violation_; }

  std::uint32_t validator() const { return validator_; }
  std::uint32_t crashes() const { return crashes_; }
  /// None while it is no validator: it fetches what others have sealed.
  const consensus::Replica* replica() const { return replica_.get(); }
  const MessageSet& said() const { return said_; }
  const std::vector<Hash>& executed() const { return executed_; }
  std::uint64_t sealed() const { return blocks_.size(); }
  const std::vector<std::shared_ptr<const Block>>& blocks() const { return blocks_; }

 private:
  struct Crash {};

  void Start(std::vector<Bytes> records);
  void EnterNextEpoch();
  Height EpochEnd(Height known) const;
  void Step(const consensus::Event& event);
  void Drain();
  void Perform(const consensus::Action& action);
  void Execute(const consensus::Execute& execute);
  void Seal(Height height, const Hash& hash, const Bytes& header,
            const crypto::Certificate& certificate);
  void Say(const Bytes& bytes);
  void Violate(std::string what);

  Shared& shared_;
  std::uint32_t validator_;
  std::unique_ptr<consensus::Replica> replica_;
  Epoch epoch_;
  // On disk.
  std::vector<Bytes> log_;
  std::size_t synced_ = 0;  // records of log_
  std::vector<std::shared_ptr<const Block>> blocks_;
  // In memory.
  std::vector<Bytes> headers_;  // of executed blocks, by height - 1
  std::vector<Hash> executed_;  // their hashes
  std::vector<consensus::Event> answers_;
  // Ever.
  MessageSet said_;
  std::uint32_t crashes_ = 0;
  std::string violation_;
  // Of the step under way.
  std::optional<std::uint32_t> actions_left_;
};

}  // namespace talent::model
