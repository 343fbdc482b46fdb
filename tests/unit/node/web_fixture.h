// The gateway over chains of all three tiers that hold real records, and a client with a socket.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "node/peers/address.h"
#include "node/web/gateway.h"
#include "unit/node/test_env.h"
#include "unit/tiers/network.h"

namespace talent::node {

/// A chain that a test writes on directly, as a node hosts it.
class TierRunner final : public ChainRunner {
 public:
  explicit TierRunner(const tiers::TestTier& tier) : tier_(tier) {}

  const ledger::Chain& chain() const override { return tier_.chain(); }
  const ledger::Application& application() const override { return tier_.application(); }
  ChainStatusInfo status() const override {
    ChainStatusInfo out;
    out.head = chain().head();
    out.validators = 1;
    out.synced = true;
    return out;
  }
  void Submit(Bytes /*transaction*/, std::function<void(Result<Admitted>)> done) override {
    done(Fail(Code::kUnavailable, "this is for reading"));
  }
  TxOutcome Outcome(const TxId& id) const override {
    TxOutcome out;
    const auto at = chain().FindTransaction(id).value();
    if (!at) return out;
    out.receipt = chain().GetReceipt(*at).value().code();
    out.status =
        out.receipt == ledger::pb::RECEIPT_CODE_OK ? TxStatus::kSealed : TxStatus::kRejected;
    out.height = at->height;
    out.index = at->index;
    return out;
  }
  void AwaitOutcome(const Admitted& tx, Millis /*deadline*/,
                    std::function<void(TxOutcome)> done) override {
    done(Outcome(tx.id));
  }
  std::shared_ptr<void> OnChange(std::function<void()> /*on_change*/) override { return nullptr; }

 private:
  const tiers::TestTier& tier_;
};

/// An answer, taken apart.
struct WebAnswer {
  explicit WebAnswer(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == text.npos) return;
    status = std::stoi(text.substr(text.find(' ') + 1));
    body = text.substr(end + 4);
    for (std::size_t at = text.find("\r\n"); at < end;) {
      const auto next = text.find("\r\n", at + 2);
      const std::string line = text.substr(at + 2, next - at - 2);
      const auto colon = line.find(": ");
      headers[line.substr(0, colon)] = line.substr(colon + 2);
      at = next;
    }
  }
  nlohmann::json Json() const { return nlohmann::json::parse(body); }
  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  std::string Reason() const { return status == 0 ? "no answer" : Json().value("reason", "none"); }

  int status = 0;  // 0: none came
  std::map<std::string, std::string> headers;
  std::string body;
};

/// One connection.
class WebClient {
 public:
  explicit WebClient(const std::string& address) {
    const Address to = ParseAddress(address).value();
    socket_.connect({boost::asio::ip::make_address(to.host), to.port});
  }
  void Write(const std::string& bytes) {
    boost::system::error_code ignored;  // it may have been closed: the answer tells
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }
  /// Everything until the server closes.
  std::string ReadAll() {
    std::string out;
    boost::system::error_code ec;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(out), ec);
    return out;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
};

class WebTest : public testing::Test, protected tiers::Network {
 protected:
  /// A record that stands, and one that was disputed and corrected; all published.
  WebTest() {
    options_.config.listen = "127.0.0.1:0";
    options_.info = {"viewer", "0.1.0", nullptr};
    Enrol();
    standing_ = Assess(7000);
    PublishReviewed(standing_);
    corrected_ = Assess(6100);
    Promote(corrected_);
    Review(corrected_, {{"acme", true}, {"globex", false}});
    correction_ = Must(source.Write("centre-a", tiers::Correction(corrected_, Tagged(8000))));
    Must(AnswerWith(corrected_, correction_));
    Promote(correction_);
    correction_tx_ = Must(Publish(corrected_));
  }

  static tiers::v1::AbilityAssessed Tagged(std::uint32_t score) {
    auto message = tiers::Assessment(score);
    auto* const tag = message.add_tags();
    tag->set_industry("steel");
    tag->set_match(tiers::v1::TAG_MATCH_MATCHED);
    tag->set_weight(9000);
    return message;
  }
  TxId Assess(std::uint32_t score) { return Must(source.Write("centre-a", Tagged(score))); }
  /// The transaction that publishes it.
  TxId PublishReviewed(const TxId& record) {
    Promote(record);
    Review(record, {{"acme", false}, {"globex", false}});
    return Must(Publish(record));
  }
  TxId PublishNew(std::uint32_t score) {
    const TxId record = Assess(score);
    PublishReviewed(record);
    return record;
  }

  void Start() {
    auto gateway =
        WebGateway::Start(options_, {&private_, &consortium_, &public_}, clock_, random_);
    ASSERT_TRUE(gateway) << gateway.error().ToString();
    gateway_ = std::move(*gateway);
  }
  WebAnswer Ask(const std::string& request) {
    WebClient client(gateway_->listen_address());
    client.Write(request);
    return WebAnswer(client.ReadAll());
  }
  WebAnswer Get(const std::string& path, const std::string& more = "") {
    return Ask("GET " + path + " HTTP/1.1\r\nConnection: close\r\n" + more + "\r\n");
  }
  /// Below /api/v1/chains/public-chain.
  nlohmann::json Read(const std::string& path) {
    const WebAnswer answer = Get("/api/v1/chains/public-chain" + path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return answer.status == 200 ? answer.Json() : nlohmann::json();
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  TierRunner private_{source}, consortium_{consortium}, public_{outlet};
  TxId standing_, corrected_, correction_, correction_tx_;
  WebGateway::Options options_;
  std::unique_ptr<WebGateway> gateway_;  // ends first
};

}  // namespace talent::node
