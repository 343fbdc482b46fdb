// Every message of a model run, once: what the validators and the liar among them have said.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "consensus/messages.h"

namespace talent::model {

using MessageId = std::uint32_t;

/// No bound produces more messages; checked.
inline constexpr std::size_t kMaxMessages = 2048;

/// Votes that count together: one kind, epoch, view, height and digest (or block hash).
using ClassId = std::uint32_t;

enum class Kind { kOffer, kPrepare, kCommit, kSeal, kViewChange, kNewView, kReply };

struct Entry {
  consensus::MessagePtr message;
  Kind kind;
  Epoch epoch;
  std::uint32_t signer;
  std::uint64_t view = 0, height = 0;
  Hash digest;        // of votes
  std::string what;   // for people, and equal for messages that mean the same
  ClassId votes = 0;  // of votes
};

/// Messages that mean the same, whoever signed the certificates inside, are one.
class Book {
 public:
  /// Who is in which epoch's set, and where it begins, is fixed.
  struct Term {
    std::vector<std::uint32_t> validators;
    Height first;
  };
  explicit Book(std::vector<Term> epochs);

  const ChainId& chain() const { return chain_; }
  const crypto::KeyPair& key(std::uint32_t validator) const { return keys_[validator]; }
  const std::shared_ptr<const crypto::ValidatorSet>& set(Epoch e) const { return sets_[e.value]; }
  /// Validator number ↔ place in the epoch's set.
  std::optional<ValidatorIndex> Place(Epoch epoch, std::uint32_t validator) const;
  std::uint32_t Who(Epoch epoch, ValidatorIndex place) const;

  /// None: nothing that is modelled (gossip), or what VerifyMessage refuses.
  std::optional<MessageId> Note(Epoch epoch, const Bytes& bytes);
  /// What a noted message means.
  const std::string& Meaning(Epoch epoch, const Bytes& bytes) {
    return entries_[Note(epoch, bytes).value()].what;
  }
  /// Signs as `validator`, then Note.
  std::optional<MessageId> Say(Epoch epoch, std::uint32_t validator, consensus::Content content);

  const Entry& at(MessageId id) const { return entries_[id]; }
  std::size_t size() const { return entries_.size(); }
  std::size_t epochs() const { return epochs_.size(); }
  std::size_t refused() const { return refused_; }
  /// One message of the class, to read what it is about.
  const Entry& ClassOf(ClassId id) const { return entries_[classes_[id].front()]; }
  const std::vector<MessageId>& Votes(ClassId id) const { return classes_[id]; }
  std::size_t classes() const { return classes_.size(); }

  /// A short name of a digest or block hash: that of the batch it belongs to.
  void Name(const Hash& hash, std::string name) { names_[hash] = std::move(name); }
  std::string Name(const Hash& hash) const;

 private:
  std::string Describe(const consensus::CertifiedHead& head) const;
  std::string Describe(const consensus::ViewChange& change) const;

  ChainId chain_;
  std::vector<crypto::KeyPair> keys_;
  std::vector<Term> epochs_;
  std::vector<std::shared_ptr<const crypto::ValidatorSet>> sets_;
  std::vector<Entry> entries_;
  std::vector<std::vector<MessageId>> classes_;
  std::unordered_map<std::string, MessageId> by_meaning_;
  std::unordered_map<std::string, std::optional<MessageId>> by_bytes_;
  std::map<std::string, ClassId> class_ids_;
  std::map<Hash, std::string> names_;
  std::size_t refused_ = 0;
};

}  // namespace talent::model
