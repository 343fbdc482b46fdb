// The read API as its description promises it.
#include <fstream>

#include "ledger/light_client.h"
#include "node/web/read_api.h"
#include "tiers/erasure.h"
#include "unit/node/json_schema.h"
#include "unit/node/web_fixture.h"

namespace talent::node {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

nlohmann::json Description() {
  std::ifstream file(TALENT_DATA "/../docs/openapi.json");
  return nlohmann::json::parse(file);
}

std::vector<std::string> IdsOf(const nlohmann::json& page) {
  std::vector<std::string> out;
  for (const auto& item : page.at("items")) out.push_back(item.at("id"));
  return out;
}

class WebApi : public WebTest {
 protected:
  WebApi() { Start(); }

  /// Every page of a list at the height of the first one. `between` is done after each page.
  std::vector<nlohmann::json> Pages(const std::string& list, const std::function<void()>& between) {
    std::vector<nlohmann::json> pages = {Read(list)};
    while (!pages.back().at("next").is_null() && pages.size() < 100) {
      between();
      pages.push_back(Read(fmt::format("{}&at={}&from={}", list,
                                       pages.front()["as_of_height"].get<std::uint64_t>(),
                                       pages.back()["next"].get<std::string>())));
    }
    return pages;
  }

  void EraseEverywhere(const TxId& record) {
    tiers::v1::Erased message;
    message.set_subject_id(tiers::Id("li"));
    message.set_ground(tiers::v1::ERASURE_GROUND_SUBJECT_REQUEST);
    message.set_reference("R-1");
    message.add_records(record.ToBytes());
    Must(source.Submit(
        source.Make("centre-a", "Erased", message, ledger::pb::DISCLOSURE_COMMITMENT)));
    const crypto::KeyPair key = ledger::KeyOf("centre-a");
    for (const auto& [from, to] :
         {std::pair(&source, &consortium), std::pair(&consortium, &outlet)}) {
      auto promoter =
          tiers::Promoter::Open(*database,
                                {.source = &from->chain(), .target = &to->chain(), .author = &key})
              .value();
      for (int step = 0; step < 20; ++step) {
        const auto offers = promoter->Step(Timestamp(Now())).value();
        if (offers.empty()) break;
        to->Commit(offers);
      }
    }
  }
};

TEST_F(WebApi, RoutesAreThoseThatAreDescribed) {
  std::vector<std::string> described;
  const auto document = Description();
  for (const auto& [path, operations] : document["paths"].items()) {
    described.push_back(path);
    EXPECT_EQ(operations.size(), 1u) << path;
    EXPECT_TRUE(operations.contains("get")) << path;
  }
  const auto served = ReadApi::Routes();
  EXPECT_THAT(described, testing::UnorderedElementsAreArray(served.begin(), served.end()));
}

TEST_F(WebApi, AnswersHaveTheFieldsThatAreDescribed) {
  const auto document = Description();
  const auto head = outlet.chain().head().height.value;
  const std::string key = ToHex(tiers::kPublished.Key(corrected_.View()));
  const std::map<std::string, std::vector<std::string>> asked = {
      {"", {""}},
      {"/genesis", {"/genesis"}},
      {"/blocks", {"/blocks", "/blocks?limit=2&from=3&at=4"}},
      {"/blocks/{height}", {"/blocks/1", fmt::format("/blocks/{}", head)}},
      {"/transactions/{id}", {"/transactions/" + correction_tx_.Hex()}},
      {"/records", {"/records", "/records?limit=1&state=superseded&kind=AbilityAssessed"}},
      {"/records/{id}",
       {"/records/" + standing_.Hex(), "/records/" + corrected_.Hex(),
        "/records/" + correction_.Hex()}},
      {"/state", {"/state", "/state?prefix=7075622f&limit=1"}},
      {"/state/{key}", {"/state/" + key, "/state/" + key + "?prove=1", "/state/00?prove=1"}},
  };
  for (const auto& [route, paths] : asked) {
    const auto& schema = document["paths"].at(
        "/api/v1/chains/{chain}" +
        route)["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    for (const auto& path : paths) {
      EXPECT_EQ(JsonSchema(document).Check(schema, Read(path)), "") << path;
    }
  }
  const auto& schema = document["components"]["schemas"];
  EXPECT_EQ(JsonSchema(document).Check(schema["Status"], Get("/api/v1/status").Json()), "");
  const auto problem = Get("/api/v1/nothing");
  EXPECT_EQ(problem.Header("Content-Type"), "application/problem+json");
  auto described = problem.Json();
  described.erase("type");  // a constant, which this check does not know
  auto problem_schema = schema["Problem"];
  problem_schema["properties"].erase("type");
  problem_schema["required"].erase(0);
  EXPECT_EQ(JsonSchema(document).Check(problem_schema, described), "");
}

TEST_F(WebApi, OfOtherChainsOnlyTheStatusTells) {
  const auto chains = Get("/api/v1/status").Json()["chains"];
  ASSERT_EQ(chains.size(), 3u);
  for (const auto& chain : chains) EXPECT_EQ(chain["readable"], chain["tier"] == "public");
  for (const auto* const tier : {&source, &consortium}) {
    const std::string height = tier->chain().head().height.value > 1 ? "1" : "0";
    for (const std::string& name : {tier->genesis().name(), tier->genesis().chain_id().Hex()}) {
      for (const std::string path :
           {"", "/genesis", "/blocks", "/blocks/1", "/records", "/state", "/state/7075622f"}) {
        const auto answer = Get("/api/v1/chains/" + name + path);
        EXPECT_EQ(answer.status, 403) << path;
        EXPECT_EQ(answer.Reason(), "UNAUTHORIZED") << path;
      }
      const auto record = Get("/api/v1/chains/" + name + "/transactions/" + standing_.Hex());
      EXPECT_EQ(record.status, 403);
      EXPECT_EQ(Get("/api/v1/chains/" + name + "/proofs/" + standing_.Hex()).status, 403);
    }
  }
}

TEST_F(WebApi, AChainGoesByItsNameAndItsId) {
  const auto by_id = Get("/api/v1/chains/" + outlet.genesis().chain_id().Hex()).Json();
  EXPECT_EQ(by_id["name"], "public-chain");
  EXPECT_EQ(by_id["validator_set"][0]["name"], "v0");
  EXPECT_EQ(by_id["state_root"], outlet.chain().head().state_root.Hex());
}

TEST_F(WebApi, GenesisIsTheFileThatTheIdIsTheHashOf) {
  const auto answer = Get("/api/v1/chains/public-chain/genesis");
  EXPECT_EQ(answer.body, outlet.genesis().bytes());
  EXPECT_THAT(answer.Header("Cache-Control"), HasSubstr("immutable"));
}

TEST_F(WebApi, BlocksHashToTheirHashes) {
  const auto block = Read("/blocks/2");
  const Bytes header = FromHex(block["header_bytes"].get<std::string>()).value();
  EXPECT_EQ(block["hash"], ledger::BlockHash(header).Hex());
  EXPECT_EQ(Read("/blocks/3")["header"]["previous_hash"], block["hash"]);
  const auto page = Read("/blocks?limit=2");
  EXPECT_EQ(page["items"][0]["height"], outlet.chain().head().height.value);
  EXPECT_EQ(page["items"][1]["height"], outlet.chain().head().height.value - 1);
}

TEST_F(WebApi, ATransactionNamesItsAuthorItsRecordsAndWhatItSays) {
  const auto answer = Read("/transactions/" + correction_tx_.Hex());
  EXPECT_EQ(answer["status"], "SEALED");
  const auto& tx = answer["transaction"];
  EXPECT_EQ(tx["kind"], "CorrectionPublished");
  EXPECT_EQ(tx["author"], "centre-a");
  EXPECT_THAT(tx["records"], ElementsAre(corrected_.Hex(), correction_.Hex()));
  EXPECT_EQ(tx["payload"]["source_chain"], consortium.genesis().chain_id().Hex());
  const auto block = Read(fmt::format("/blocks/{}", tx["height"].get<int>()));
  EXPECT_EQ(block["transactions"][tx["index"].get<std::size_t>()], tx);
}

TEST_F(WebApi, ACorrectedRecordShowsItsPathBothWays) {
  const auto record = Read("/records/" + corrected_.Hex());
  EXPECT_EQ(record["state"], "superseded");
  EXPECT_EQ(record["payload"]["scores"][0]["value"], 6100);
  EXPECT_EQ(record["subject"], ToHex(tiers::Id("li")));
  EXPECT_THAT(record["corrected_by"], ElementsAre(correction_.Hex()));
  EXPECT_EQ(record["review"]["status"], "RECORD_STATUS_CORRECTED");
  std::vector<std::string> steps;
  for (const auto& step : record["steps"]) steps.push_back(step["kind"]);
  EXPECT_THAT(steps,
              ElementsAre("RecordPromoted", "ReviewRevealed", "DisputeAnswered", "RecordPromoted"));
  const auto correction = Read("/records/" + correction_.Hex());
  EXPECT_EQ(correction["state"], "current");
  EXPECT_EQ(correction["kind"], "Corrected");
  EXPECT_EQ(correction["payload"]["content"]["scores"][0]["value"], 8000);
  EXPECT_THAT(correction["tags"], ElementsAre("steel"));
  EXPECT_THAT(correction["corrects"], ElementsAre(corrected_.Hex()));
}

TEST_F(WebApi, RecordsAreFoundByWhatTheyAre) {
  const auto found = [&](const std::string& query) { return IdsOf(Read("/records?" + query)); };
  EXPECT_EQ(found("").size(), 3u);
  EXPECT_EQ(found("").back(), standing_.Hex()) << "the oldest comes last";
  EXPECT_THAT(found("kind=Corrected"), ElementsAre(correction_.Hex()));
  EXPECT_EQ(found("kind=AbilityAssessed").size(), 3u) << "a correction of one is one";
  EXPECT_THAT(found("state=superseded"), ElementsAre(corrected_.Hex()));
  EXPECT_EQ(found("state=current&tag=steel&centre=centre-a").size(), 2u);
  EXPECT_TRUE(found("tag=glass").empty());
  EXPECT_TRUE(found("centre=centre-b").empty());
  EXPECT_TRUE(found("state=erased").empty());
}

TEST_F(WebApi, AProofIsWhatVerifies) {
  for (const TxId& id : {standing_, corrected_, correction_tx_}) {
    const auto answer = Get("/api/v1/chains/public-chain/proofs/" + id.Hex());
    EXPECT_EQ(answer.Header("Content-Type"), "application/x-protobuf");
    const auto proof = Decode<ledger::pb::TransactionProof>(answer.body);
    ASSERT_TRUE(proof) << proof.error().ToString();
    EXPECT_TRUE(ledger::VerifyTransactionProof(outlet.genesis(), *proof));
  }
}

TEST_F(WebApi, AStateEntryComesWithItsProof) {
  const Bytes key = tiers::kPublished.Key(corrected_.View());
  const auto entry = Read("/state/" + ToHex(key) + "?prove=1");
  EXPECT_EQ(entry["decoded"]["superseded_by"], correction_.Hex());
  const auto statement =
      Decode<ledger::pb::StateStatement>(FromHex(entry["statement"].get<std::string>()).value());
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->proof().key(), key);
  EXPECT_EQ(ToHex(statement->proof().value()), entry["value"].get<std::string>());
  const auto absent = Read("/state/ff00?prove=1");
  EXPECT_EQ(absent["present"], false);
  // An older height, before the correction.
  const auto published = Read("/records/" + standing_.Hex())["height"].get<std::uint64_t>();
  const auto before = Read(fmt::format("/state/{}?at={}", ToHex(key), published));
  EXPECT_EQ(before["present"], false);
  EXPECT_EQ(before["as_of_height"], published);
}

TEST_F(WebApi, PagesStayAtTheirHeightWhileTheChainGoesOn) {
  const auto all = IdsOf(Read("/records"));
  std::uint32_t score = 5000;
  const auto pages = Pages("/records?limit=1", [&] { PublishNew(++score); });
  std::vector<std::string> seen;
  for (const auto& page : pages) {
    EXPECT_EQ(page["as_of_height"], pages.front()["as_of_height"]);
    for (const auto& id : IdsOf(page)) seen.push_back(id);
  }
  EXPECT_EQ(seen, all);
  EXPECT_EQ(IdsOf(Read("/records")).size(), all.size() + pages.size() - 1);
}

TEST_F(WebApi, PagesOfTheStateAndOfBlocksDoToo) {
  const auto keys = [](const std::vector<nlohmann::json>& pages, const char* name) {
    std::vector<nlohmann::json> out;
    for (const auto& page : pages) {
      for (const auto& item : page["items"]) out.push_back(item[name]);
    }
    return out;
  };
  const auto whole = Pages("/state?limit=1000", [] {});
  EXPECT_EQ(keys(Pages("/state?limit=3", [&] { outlet.Commit({}); }), "key"), keys(whole, "key"));
  const auto blocks = keys(Pages("/blocks?limit=100", [] {}), "hash");
  EXPECT_EQ(keys(Pages("/blocks?limit=2", [&] { outlet.Commit({}); }), "hash"), blocks);
}

TEST_F(WebApi, AHeightThatIsNotHeldIsSaidToBeGone) {
  outlet.Commit({});
  for (const std::string list : {"/records", "/state"}) {
    const auto old = Get("/api/v1/chains/public-chain" + list + "?at=1");
    EXPECT_EQ(old.status, 410);
    EXPECT_EQ(old.Reason(), "PRUNED");
    EXPECT_EQ(Get("/api/v1/chains/public-chain" + list + "?at=999999").status, 404);
  }
}

TEST_F(WebApi, WhatIsErasedIsGoneFromEveryAnswer) {
  const auto first = Read("/records?limit=1");
  const auto block = Read("/records/" + standing_.Hex())["height"].get<int>();
  const std::string subject = ToHex(tiers::Id("li"));
  ASSERT_THAT(Get("/api/v1/chains/public-chain/records").body, HasSubstr(subject));
  EraseEverywhere(standing_);
  const auto record = Read("/records/" + standing_.Hex());
  EXPECT_EQ(record["state"], "erased");
  EXPECT_EQ(record["payload_state"], "erased");
  EXPECT_TRUE(record["payload"].is_null());
  EXPECT_FALSE(record["erased"]["by"].is_null());
  const auto document = Description();
  EXPECT_EQ(JsonSchema(document).Check(document["components"]["schemas"]["Record"], record), "");
  EXPECT_THAT(IdsOf(Read("/records?state=erased")), ElementsAre(standing_.Hex()));
  for (const std::string& path : {"/records/" + standing_.Hex(), fmt::format("/blocks/{}", block),
                                  std::string("/records?state=erased")}) {
    EXPECT_THAT(Get("/api/v1/chains/public-chain" + path).body, testing::Not(HasSubstr(subject)))
        << path;
  }
  // Also from pages that were begun before.
  EXPECT_EQ(Get(fmt::format("/api/v1/chains/public-chain/records?limit=1&at={}&from={}",
                            first["as_of_height"].get<int>(), first["next"].get<std::string>()))
                .status,
            410);
}

TEST_F(WebApi, WhatPeopleWroteStaysText) {
  auto hostile = Tagged(7500);
  hostile.set_method("</script><script>alert(1)</script>\xe2\x80\xae\" \\ \n");
  const TxId id = Must(source.Write("centre-a", hostile));
  PublishReviewed(id);
  const auto answer = Get("/api/v1/chains/public-chain/records/" + id.Hex());
  EXPECT_EQ(answer.Json()["payload"]["method"], hostile.method());
  EXPECT_EQ(answer.Header("Content-Type"), "application/json");
  EXPECT_EQ(answer.Header("X-Content-Type-Options"), "nosniff");
  const auto query = Get("/api/v1/chains/public-chain/records?kind=%3Cscript%3E%ff%fe%00");
  EXPECT_EQ(query.status, 200);
  EXPECT_TRUE(query.Json()["items"].empty());
  EXPECT_EQ(Get("/api/v1/chains/%3Cscript%3E%ff").status, 404);
  const auto unknown = Get("/api/v1/chains/public-chain/records?%ff%22=1");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.Reason(), "INVALID_ARGUMENT");
}

TEST_F(WebApi, BadInputIsAnsweredWithWhatIsWrong) {
  const std::string chain = "/api/v1/chains/public-chain";
  const std::string id(64, 'a');
  const struct {
    std::string path;
    int status;
    const char* says;
  } cases[] = {
      {"/api/v1/chains/other", 404, "/api/v1/status"},
      {"/api/v1/chains//blocks", 404, "openapi"},
      {"/api/v1/chains", 404, "openapi"},
      {"/api/v2/status", 404, "openapi"},
      {"/api/", 404, "openapi"},
      {"/nothing", 404, "no explorer"},
      {"/api/v1/status?x=1", 400, "'x'"},
      {chain + "/blocks/0", 400, "from 1"},
      {chain + "/blocks/-1", 400, "no number"},
      {chain + "/blocks/1.5", 400, "no number"},
      {chain + "/blocks/99999999999999999999", 400, "no number"},
      {chain + "/blocks/1&limit=2", 400, "limit"},
      {chain + "/blocks/18446744073709551615", 404, ""},
      {chain + "/blocks?limit=0", 400, "1 to 100"},
      {chain + "/blocks?limit=101", 400, "1 to 100"},
      {chain + "/blocks?limit=1&limit=2", 400, "twice"},
      {chain + "/blocks?limit=%zz", 400, "hexadecimal"},
      {chain + "/blocks?from=x", 400, "from"},
      {chain + "/blocks?at=18446744073709551615", 404, "not sealed here yet"},
      {chain + "/transactions/zz", 400, "64 hexadecimal"},
      {chain + "/transactions/" + id, 404, "no transaction"},
      {chain + "/transactions/" + id + "/x", 404, "openapi"},
      {chain + "/records/" + id.substr(1), 400, "id"},
      {chain + "/records/" + id, 404, "no record"},
      {chain + "/records?state=gone", 400, "current, superseded, erased"},
      {chain + "/records?from=1", 400, "next"},
      {chain + "/records?from=1-zz", 400, "next"},
      {chain + "/records?limit=1000", 400, "1 to 100"},
      {chain + "/proofs/" + id, 404, ""},
      {chain + "/state?prefix=x", 400, "prefix"},
      {chain + "/state?limit=1001", 400, "1 to 1000"},
      {chain + "/state/xyz", 400, ""},
      {chain + "/state/00?prove=2", 400, "prove"},
      {chain + "/state/00?at=999999", 404, ""},
      {chain + "/state/" + std::string(2050, 'a'), 400, "1024"},
      {chain + "/records?tag=" + std::string(5000, 'a'), 414, "4096"},
      {"/" + std::string(9000, 'a'), 414, "too long"},
  };
  for (const auto& c : cases) {
    const WebAnswer answer = Get(c.path);
    EXPECT_EQ(answer.status, c.status) << c.path << "\n" << answer.body;
    ASSERT_EQ(answer.Header("Content-Type"), "application/problem+json") << c.path;
    EXPECT_EQ(answer.Json()["status"], c.status) << c.path;
    EXPECT_THAT(answer.Json()["detail"].get<std::string>(), HasSubstr(c.says)) << c.path;
  }
}

TEST_F(WebApi, OnlyReadingIsServed) {
  const auto ask = [&](const std::string& method, const std::string& more = "") {
    return Ask(method + " /api/v1/status HTTP/1.1\r\nConnection: close\r\n" + more + "\r\n");
  };
  for (const char* const method : {"POST", "PUT", "DELETE", "PATCH", "TRACE", "FOO"}) {
    const auto answer = ask(method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.Header("Allow"), "GET, HEAD, OPTIONS") << method;
  }
  EXPECT_EQ(Ask("POST /api/v1/status HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd").status, 413);
  EXPECT_EQ(ask("GET", "X: " + std::string(9000, 'x') + "\r\n").status, 431);
  EXPECT_EQ(Ask("rubbish\r\n\r\n").status, 400);
}

TEST_F(WebApi, HeadIsGetWithoutTheBody) {
  const auto get = Get("/api/v1/chains/public-chain/genesis");
  const auto head =
      Ask("HEAD /api/v1/chains/public-chain/genesis HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers, get.headers);
  EXPECT_EQ(head.body, "");
}

TEST_F(WebApi, WhatAClientHasIsNotSentAgain) {
  const std::string path = "/api/v1/chains/public-chain";
  const std::string tag = Get(path).Header("ETag");
  EXPECT_THAT(tag, AllOf(testing::StartsWith("\""), testing::EndsWith("\"")));
  for (const std::string& named : {tag, "\"other\", " + tag, std::string("*")}) {
    const auto again = Get(path, "If-None-Match: " + named + "\r\n");
    EXPECT_EQ(again.status, 304) << named;
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.Header("ETag"), tag);
  }
  outlet.Commit({});
  EXPECT_EQ(Get(path, "If-None-Match: " + tag + "\r\n").status, 200);
}

TEST_F(WebApi, PagesOfAnyOriginMayRead) {
  EXPECT_EQ(Get("/api/v1/status").Header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(Get("/api/v1/nothing").Header("Access-Control-Allow-Origin"), "*");
  const auto preflight =
      Ask("OPTIONS /api/v1/status HTTP/1.1\r\nOrigin: https://a.example\r\n"
          "Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
}

}  // namespace
}  // namespace talent::node
