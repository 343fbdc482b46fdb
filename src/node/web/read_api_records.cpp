// Published records: lists and single ones.
#include <algorithm>

#include "ledger/erasure.h"
#include "node/records/payload_json.h"
#include "node/web/chain_json.h"
#include "node/web/publications.h"
#include "node/web/read_api.h"
#include "tiers/public_rules.h"

namespace talent::node {
namespace {

using Json = nlohmann::json;
using tiers::v1::PublishedRecord;

constexpr std::uint64_t kDefaultRecords = 20, kMaxRecords = 100;
/// Of records that a filter passes over for one page: entries of the state (about 10 µs each), and
/// publications, which are read whole (about 100 µs).
constexpr std::size_t kMaxVisited = 2000;
constexpr std::size_t kMaxReadForTag = 200;
/// Corrections of corrections that one answer lists; there are a few at most.
constexpr std::size_t kMaxRow = 64;

const char* StateOf(const PublishedRecord& entry) {
  if (entry.status() == tiers::v1::RECORD_STATUS_ERASED) return "erased";
  return entry.superseded_by().empty() ? "current" : "superseded";
}

struct RecordFilter {
  std::optional<std::string> kind, tag, centre, state;

  bool FitsEntry(const PublishedRecord& entry) const {
    return (!kind || *kind == entry.kind() || *kind == entry.content_kind()) &&
           (!centre || *centre == entry.centre()) && (!state || *state == StateOf(entry));
  }
  bool FitsTags(const std::vector<std::string>& tags) const {
    return !tag || std::ranges::find(tags, *tag) != tags.end();
  }
};

Result<RecordFilter> ReadFilter(QueryFields& query) {
  RecordFilter out{query.Text("kind"), query.Text("tag"), query.Text("centre"),
                   query.Text("state")};
  if (out.state && *out.state != "current" && *out.state != "superseded" &&
      *out.state != "erased") {
    return Fail(Code::kInvalidArgument, "state: '{}' is none of current, superseded, erased",
                *out.state);
  }
  return out;
}

/// A transaction that says something of a record; nothing where it is not here (any more).
Result<std::optional<Publication>> PublicationIn(const ledger::Chain& chain, const Bytes& tx_id) {
  if (tx_id.empty()) return std::nullopt;
  const auto tx = TRY(chain.GetTransaction(TRY(TxId::FromBytes(tx_id))));
  return ReadPublication(tx);
}

/// What the record says; nothing where its payload is not here.
Result<std::optional<Content>> ContentIn(const std::optional<Publication>& publication,
                                         const RecordId& id) {
  const auto* const evidence = publication ? publication->Find(id) : nullptr;
  if (evidence == nullptr || !evidence->record.has_payload()) return std::nullopt;
  return TRY(ReadContent(evidence->record.kind, evidence->record.payload));
}

Json SummaryJson(const RecordId& id, const PublishedRecord& entry,
                 const std::optional<Content>& content) {
  return {{"id", id.Hex()},
          {"kind", entry.kind()},
          {"content_kind", entry.content_kind()},
          {"state", StateOf(entry)},
          {"status", ShortName(tiers::v1::RecordStatus_Name(entry.status()), "RECORD_STATUS_")},
          {"source_chain", ToHex(entry.source_chain())},
          {"consortium", ToHex(entry.consortium())},
          {"centre", entry.centre()},
          {"subject", content && content->subject ? Json(*content->subject) : Json()},
          {"tags", content ? Json(content->tags) : Json::array()},
          {"height", entry.height()},
          {"published_ms", entry.published_ms()},
          {"publication_tx", HexOrNull(entry.publication_tx())},
          {"supersedes", HexOrNull(entry.supersedes())},
          {"superseded_by", HexOrNull(entry.superseded_by())},
          {"correction_tx", HexOrNull(entry.correction_tx())}};
}

/// Ids of a record's row in one direction, nearest first.
template <class Next>
Json RowJson(const ledger::StateReader& state, const PublishedRecord& entry, const Next& next) {
  Json out = Json::array();
  Bytes id = next(entry);
  while (!id.empty() && out.size() < kMaxRow) {
    out.push_back(ToHex(id));
    const auto further = tiers::kPublished.Get(state, id);
    id = further ? next(*further) : Bytes();
  }
  return out;
}

Result<Json> StepJson(const tiers::v1::PathStep& step) {
  const auto tx = TRY(
      ledger::ParseTransaction(step.transaction(), step.has_payload() ? &step.payload() : nullptr));
  Json payload;
  if (tx.has_payload()) payload = TRY(ReadContent(tx.kind, tx.payload)).payload;
  return Json{{"height", step.height()},
              {"transaction", tx.id.Hex()},
              {"kind", tx.kind},
              {"author_key", tx.author.Hex()},
              {"payload", std::move(payload)}};
}

Json ErasureOf(const ledger::StateReader& state, const PublishedRecord& entry) {
  if (const auto tx = TxId::FromBytes(entry.publication_tx())) {
    if (const auto erased = ledger::FindErased(state, *tx)) return ErasedJson(*erased);
  }
  if (entry.erased_by().empty()) return {};
  // It was erased before it came: this is all there is.
  return {{"by", ToHex(entry.erased_by())},
          {"height", entry.height()},
          {"time_ms", entry.published_ms()}};
}

/// What a publication says of the record besides its entry.
Status AddEvidence(const Publication& publication, const Publication::Evidence& evidence,
                   Json& out) {
  out["author_key"] = evidence.record.author.Hex();
  out["disclosure"] =
      ShortName(ledger::pb::Disclosure_Name(evidence.record.disclosure), "DISCLOSURE_");
  out["review"] = TRY(DecodeToJson("ConsortiumRecord", evidence.state));
  out["review_height"] = publication.height;
  if (!evidence.steps) return {};
  for (const auto& step : publication.steps) out["steps"].push_back(TRY(StepJson(step)));
  return {};
}

}  // namespace

Result<ReadApi::Reply> ReadApi::Records(Asked& asked) {
  const RecordFilter filter = TRY(ReadFilter(asked.query));
  const auto limit = TRY(asked.query.NumberOr("limit", 1, kMaxRecords, kDefaultRecords));
  const auto at = TRY(asked.query.Number("at"));
  std::optional<RecordIndex::Place> from;
  if (const auto text = asked.query.Text("from")) {
    auto place = RecordIndex::Place::Parse(*text);
    if (!place) return Within("from", place.error());
    from = *place;
  }
  TRY(asked.query.Finish());
  const HeldState held =
      TRY(asked.chain->states.At(at ? std::optional(Height(*at)) : std::nullopt));
  const ledger::StateReader& state = *held->state;
  Json items = Json::array();
  Json next;
  std::size_t read = 0;
  const auto places =
      TRY(asked.chain->records.Newest(state, held->head.height, from, kMaxVisited + 1));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i == kMaxVisited || read == kMaxReadForTag || items.size() == limit) {
      next = places[i].Text();
      break;
    }
    const auto entry = tiers::kPublished.Get(state, places[i].id.View());
    if (!entry || !filter.FitsEntry(*entry)) continue;
    ++read;
    const auto publication = TRY(PublicationIn(asked.chain->chain(), entry->publication_tx()));
    const auto content = TRY(ContentIn(publication, places[i].id));
    if (!filter.FitsTags(content ? content->tags : std::vector<std::string>())) continue;
    items.push_back(SummaryJson(places[i].id, *entry, content));
  }
  TRY(state.status());
  if (!next.is_null()) asked.chain->states.Hold(held);
  return Reply{JsonText({{"chain", asked.chain->name()},
                         {"as_of_height", held->head.height.value},
                         {"items", std::move(items)},
                         {"next", std::move(next)}}),
               at ? Fresh::kSealed : Fresh::kHead};
}

Result<ReadApi::Reply> ReadApi::Record(Asked& asked) {
  const auto id = RecordId::FromHexString(asked.path[1]);
  if (!id) return Within("id", id.error());
  TRY(asked.query.Finish());
  const ledger::Chain& chain = asked.chain->chain();
  const auto [state, head] = ChainAccess::Snapshot(chain);
  const auto entry = tiers::kPublished.Get(*state, id->View());
  TRY(state->status());
  if (!entry) {
    return Fail(Code::kNotFound, "no record {} is published on chain {} up to height {}", id->Hex(),
                asked.chain->name(), head.height);
  }
  const auto published = TRY(PublicationIn(chain, entry->publication_tx()));
  const auto content = TRY(ContentIn(published, *id));
  // The correction has the record's whole path with it, and its last review.
  const auto corrected = TRY(PublicationIn(chain, entry->correction_tx()));
  const auto& said = corrected ? corrected : published;
  Json out = SummaryJson(*id, *entry, content);
  out.update(
      {{"chain", asked.chain->name()},
       {"as_of_height", head.height.value},
       {"author_key", Json()},
       {"disclosure", Json()},
       {"payload", content ? content->payload : Json()},
       {"review", Json()},
       {"review_height", Json()},
       {"steps", Json::array()},
       {"corrects", RowJson(*state, *entry, [](const auto& e) { return e.supersedes(); })},
       {"corrected_by", RowJson(*state, *entry, [](const auto& e) { return e.superseded_by(); })},
       {"erased", ErasureOf(*state, *entry)}});
  out["payload_state"] = content ? "here" : out["erased"].is_null() ? "absent" : "erased";
  if (const auto* const evidence = said ? said->Find(*id) : nullptr) {
    TRY(AddEvidence(*said, *evidence, out));
  }
  TRY(state->status());
  return Reply{JsonText(out)};
}

}  // namespace talent::node
