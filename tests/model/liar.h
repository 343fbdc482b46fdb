// The byzantine validator: whatever its key, and what others have said, let it say.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/member.h"

namespace talent::model {

/// It offers two batches for every height of its views, votes for everything that anybody votes
/// for, shows any subset of the prepared certificates and heads that exist, opens its views with
/// any quorum of view changes, and tries forgeries, which VerifyMessage has to refuse. All of it is
/// there for anybody to receive at any time, or never.
class Liar {
 public:
  Liar(Shared& shared, std::uint32_t validator);

  /// What it can say once the correct ones have said `said`; includes earlier answers' messages
  /// only where they are still possible, and they are: what is said stays said.
  std::vector<MessageId> Says(const MessageSet& said);

 private:
  using Certificates = std::vector<consensus::PreparedCertificate>;

  void SayStatic(Epoch epoch);
  void Forge(Epoch epoch, View view);
  void SayVotes(const MessageSet& said, std::vector<MessageId>& out);
  void SayViewChanges(const MessageSet& said, Epoch epoch, View view, std::vector<MessageId>& out);
  void SayNewViews(const MessageSet& said, Epoch epoch, View view, std::vector<MessageId>& out);
  void ShowAnySubset(Epoch epoch, View view, const consensus::CertifiedHead& head,
                     const std::map<std::uint64_t, Certificates>& certificates, Certificates chosen,
                     std::uint64_t height, std::vector<MessageId>& out);
  Bytes AsSomebodyElse(Epoch epoch, ValidatorIndex place, const consensus::Content& content) const;
  bool Leads(Epoch epoch, View view) const;

  Shared& shared_;
  std::uint32_t validator_;
  std::vector<MessageId> static_;
  std::map<ClassId, std::vector<MessageId>> votes_;  // own ones, with each class
  std::map<std::string, std::vector<MessageId>> view_changes_;
  std::map<std::vector<MessageId>, std::vector<MessageId>> new_views_;
};

}  // namespace talent::model
