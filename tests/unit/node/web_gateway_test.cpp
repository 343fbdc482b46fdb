// What the gateway lets strangers do, and the explorer's files.
#include <filesystem>
#include <fstream>
#include <list>

#include "node/ops/http_limits.h"
#include "node/ops/metrics.h"
#include "node/web/held_states.h"
#include "unit/node/web_fixture.h"

namespace talent::node {
namespace {

using testing::HasSubstr;

class Gateway : public WebTest {
 protected:
  void Serve(const std::string& name, const std::string& text) {
    const auto file = dir.path() / "explorer" / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    options_.config.explorer_dir = dir.path() / "explorer";
  }
};

TEST_F(Gateway, ServesTheExplorerUnderAStrictPolicy) {
  Serve("index.html", "<!doctype html>");
  Serve("assets/app-1a2b.js", "run()");
  Start();
  const auto index = Get("/");
  EXPECT_EQ(index.body, "<!doctype html>");
  EXPECT_EQ(index.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(index.Header("Content-Security-Policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'");
  EXPECT_EQ(index.Header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(index.Header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(index.Header("Cache-Control"), "no-cache");
  const auto script = Get("/assets/app-1a2b.js");
  EXPECT_EQ(script.body, "run()");
  EXPECT_EQ(script.Header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(script.Header("Cache-Control"), HasSubstr("immutable"));
  EXPECT_EQ(Get("/assets/app-1a2b.js", "If-None-Match: " + script.Header("ETag") + "\r\n").status,
            304);
  EXPECT_EQ(Get("/records/1a2b").body, index.body) << "a page of the explorer";
  EXPECT_EQ(Get("/assets/app-ffff.js").status, 404);
  EXPECT_EQ(Get("/api/v1/nothing").status, 404);
}

TEST_F(Gateway, ServesNothingOutsideTheExplorersFolder) {
  Serve("index.html", "<!doctype html>");
  std::ofstream(dir.path() / "secret.txt") << "secret";
  std::filesystem::create_symlink(dir.path() / "secret.txt", dir.path() / "explorer" / "link.txt");
  Start();
  for (const std::string path :
       {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
        "/assets/../../secret.txt", "/..\\secret.txt", "/%5c..%5csecret.txt", "/./index.html",
        "/secret.txt%00.html", "//../secret.txt", "/%"}) {
    const auto answer = Get(path);
    EXPECT_EQ(answer.status, 400) << path;
    EXPECT_EQ(answer.Reason(), "INVALID_ARGUMENT") << path;
  }
  for (const std::string path : {"/link.txt", "/%252e%252e/secret.txt", "//secret.txt"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

TEST_F(Gateway, DoesNotStartWithoutAnExplorerItShouldServe) {
  options_.config.explorer_dir = dir.path() / "nowhere";
  const auto gateway = WebGateway::Start(options_, {&public_}, clock_, random_);
  ASSERT_FALSE(gateway);
  EXPECT_EQ(gateway.error().code, Code::kNotFound);
  EXPECT_THAT(gateway.error().message, HasSubstr("nowhere"));
}

TEST_F(Gateway, AFloodOfOneAddressWaitsForItsNextToken) {
  options_.config.requests_per_second = 2;
  Start();
  int good = 0;
  WebAnswer last("");
  for (int i = 0; i < 8; ++i) {
    last = Get("/api/v1/status");
    good += last.status == 200 ? 1 : 0;
  }
  EXPECT_EQ(good, 6) << "three seconds' worth at once";
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(last.Reason(), "EXHAUSTED");
  EXPECT_EQ(last.Header("Retry-After"), "1");
  clock_.Advance(Millis(500));
  EXPECT_EQ(Get("/api/v1/status").status, 200);
  EXPECT_EQ(Get("/api/v1/status").status, 429);
}

TEST_F(Gateway, BehindAProxyClientsAreToldApart) {
  options_.config.requests_per_second = 1;
  options_.config.behind_proxy = true;
  options_.config.connections_per_address = 1;
  Start();
  const auto ask = [&](const std::string& who) {
    return Get("/api/v1/status", "X-Forwarded-For: " + who + "\r\n").status;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("198.51.100.1"), 200);
  EXPECT_EQ(ask("198.51.100.1"), 429);
  EXPECT_EQ(ask("203.0.113.9, 198.51.100.1"), 429) << "what the client says of itself is nothing";
  EXPECT_EQ(ask("198.51.100.2"), 200);
  WebClient idle(gateway_->listen_address());
  EXPECT_EQ(ask("198.51.100.3"), 200) << "the proxy has more than one connection";
}

TEST_F(Gateway, WithoutAProxyNobodySaysWhoItIs) {
  options_.config.requests_per_second = 1;
  Start();
  int refused = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string who = fmt::format("X-Forwarded-For: 198.51.100.{}\r\n", i);
    refused += Get("/api/v1/status", who).status == 429 ? 1 : 0;
  }
  EXPECT_EQ(refused, 1);
}

TEST_F(Gateway, AnAddressHasSoManyConnections) {
  options_.config.connections_per_address = 2;
  Start();
  std::list<WebClient> held;
  for (int i = 0; i < 2; ++i) {
    held.emplace_back(gateway_->listen_address());
    held.back().Write("GET /api/v1/status HTTP/1.1\r\n");
  }
  WebClient third(gateway_->listen_address());
  const WebAnswer refused(third.ReadAll());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Header("Retry-After"), "1");
  held.front().Write("Connection: close\r\n\r\n");
  EXPECT_EQ(WebAnswer(held.front().ReadAll()).status, 200);
}

TEST_F(Gateway, SlowClientsAreClosedAndOthersAnswered) {
  options_.request_time = std::chrono::milliseconds(50);
  options_.idle_time =
      std::chrono::milliseconds(1000);  // a busy machine writes later than it connects
  Metrics metrics;
  options_.observer = &metrics;
  Start();
  std::list<WebClient> slow;
  for (int i = 0; i < 8; ++i) {
    slow.emplace_back(gateway_->listen_address());
    slow.back().Write(i % 2 == 0 ? "GET /api/v1/status HTTP/1.1\r\nX-A: b\r\n" : "");
  }
  EXPECT_EQ(Get("/api/v1/status").status, 200);
  for (WebClient& client : slow) EXPECT_EQ(client.ReadAll(), "");
  gateway_.reset();  // it counts after it has closed
  EXPECT_THAT(metrics.Text(), HasSubstr("talentd_web_refused_total{reason=\"timeout\"} 4"));
}

TEST_F(Gateway, CountsWhatItAnswersByRouteAndStatus) {
  Metrics metrics;
  options_.observer = &metrics;
  Start();
  Get("/api/v1/status");
  Get("/api/v1/chains/public-chain/blocks/1");
  Get("/api/v1/chains/public-chain/blocks/x");
  Get("/favicon.ico");
  Ask("DELETE /api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");
  gateway_.reset();
  const std::string text = metrics.Text();
  for (const char* const line :
       {"talentd_web_requests_total{route=\"/api/v1/status\",status=\"200\"} 1",
        "talentd_web_requests_total{route=\"/api/v1/chains/{chain}/blocks/"
        "{height}\",status=\"200\"} 1",
        "talentd_web_requests_total{route=\"/api/v1/chains/{chain}/blocks/"
        "{height}\",status=\"400\"} 1",
        "talentd_web_requests_total{route=\"files\",status=\"404\"} 1",
        "talentd_web_requests_total{route=\"refused\",status=\"405\"} 1",
        "talentd_web_request_seconds_count 5", "talentd_web_connections 0"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(Gateway, HeldStatesAreLetGoAfterAWhileAndNotWhileTheyAreUsed) {
  HeldStates states(outlet.chain(), clock_);
  const HeldState first = states.At(std::nullopt).value();
  states.Hold(first);
  outlet.Commit({});
  clock_.Advance(HeldStates::kHeldFor);
  states.Hold(states.At(first->head.height).value());
  clock_.Advance(Millis(HeldStates::kHeldFor.value - 1));
  states.DropOld();
  EXPECT_TRUE(states.At(first->head.height));
  clock_.Advance(Millis(1));
  states.DropOld();
  const auto gone = states.At(first->head.height);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kPruned);
}

TEST_F(Gateway, SoManyStatesAreHeldAndTheOldestGoes) {
  HeldStates states(outlet.chain(), clock_);
  const Height first = outlet.chain().head().height;
  for (std::size_t i = 0; i <= HeldStates::kMaxHeld; ++i) {
    states.Hold(states.At(std::nullopt).value());
    clock_.Advance(Millis(1));
    outlet.Commit({});
  }
  EXPECT_FALSE(states.At(first));
  EXPECT_TRUE(states.At(first + 1));
}

TEST(HttpLimits, ASubscriberIsAnIpv4AddressOrAnIpv6Network) {
  const auto key = [](const char* text) { return ClientKey(boost::asio::ip::make_address(text)); };
  EXPECT_EQ(key("198.51.100.1"), key("::ffff:198.51.100.1"));
  EXPECT_NE(key("198.51.100.1"), key("198.51.100.2"));
  EXPECT_EQ(key("2001:db8:0:1::1"), key("2001:db8:0:1:ffff::2"));
  EXPECT_NE(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
}

TEST(HttpLimits, TheNearestProxyIsBelieved) {
  EXPECT_EQ(ForwardedFor("203.0.113.9,\t198.51.100.1 ")->to_string(), "198.51.100.1");
  EXPECT_EQ(ForwardedFor("::1")->to_string(), "::1");
  for (const char* const nobody : {"", ",", "unknown", "198.51.100.1, ", "198.51.100.1:80"}) {
    EXPECT_FALSE(ForwardedFor(nobody)) << nobody;
  }
}

TEST(HttpLimits, ABucketFillsAtItsRateAndNoFurther) {
  ManualClock clock;
  RateLimiter limiter(10, 20, clock);
  const auto taken = [&] {
    int out = 0;
    while (!limiter.Refuses("a")) ++out;
    return out;
  };
  EXPECT_EQ(taken(), 20);
  EXPECT_EQ(limiter.Refuses("a"), Millis(100));
  EXPECT_FALSE(limiter.Refuses("b")) << "another client";
  clock.Advance(Millis(300));
  EXPECT_EQ(taken(), 3);
  clock.Advance(Millis(1'000'000'000'000));
  EXPECT_EQ(taken(), 20);
}

TEST(HttpLimits, OfManyClientsThoseSeenLastAreRemembered) {
  ManualClock clock;
  RateLimiter limiter(1, 1, clock);
  const auto refused = [&](std::size_t client) {
    return limiter.Refuses(std::to_string(client)).has_value();
  };
  for (std::size_t i = 0; i < 2 * RateLimiter::kMaxClients; ++i) EXPECT_FALSE(refused(i));
  EXPECT_TRUE(refused(2 * RateLimiter::kMaxClients - 1));
  EXPECT_TRUE(refused(2 * RateLimiter::kMaxClients - RateLimiter::kMaxClients / 2));
}

}  // namespace
}  // namespace talent::node
