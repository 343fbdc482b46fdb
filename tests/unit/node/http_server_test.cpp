#include "node/ops/http_server.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/peers/address.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpClient {
 public:
  explicit HttpClient(const HttpServer& server) {
    const Address to = ParseAddress(server.listen_address()).value();
    socket_.connect({asio::ip::make_address(to.host), to.port});
  }
  void Write(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  /// Everything until the server closes.
  std::string ReadAll() {
    std::string out;
    boost::system::error_code ec;
    asio::read(socket_, asio::dynamic_buffer(out), ec);
    return out;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_{io_};
};

class Http : public ::testing::Test {
 protected:
  Http() {
    HttpRoutes routes = OperatorRoutes([this] { return ready_; }, [] { return "talentd_x 1\n"; });
    routes["/v1/chains/"] = [](const HttpRequest& request) {
      return HttpResponse{200, "application/json", request.path + "|" + request.query};
    };
    options_.handler = ByRoute(std::move(routes));
  }
  void Start() { server_ = HttpServer::Start(options_).value(); }
  std::string Ask(const std::string& request) {
    HttpClient client(*server_);
    client.Write(request);
    return client.ReadAll();
  }
  std::string Get(const std::string& path) {
    return Ask("GET " + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
  }
  static std::string ErrorCode(const std::string& response) {
    return nlohmann::json::parse(response.substr(response.find("\r\n\r\n")))["reason"];
  }

  Result<std::string> ready_;
  HttpServer::Options options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Http, ServesHealthReadinessAndMetrics) {
  Start();
  EXPECT_THAT(Get("/healthz"), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("\r\n\r\nok\n")));
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get("/metrics"), AllOf(HasSubstr("Content-Type: text/plain; version=0.0.4"),
                                     EndsWith("talentd_x 1\n")));
}

TEST_F(Http, IsReadyWithWhatAnOperatorShouldKnow) {
  ready_ = "chain consortium at height 7: held back\n";
  Start();
  EXPECT_THAT(Get("/readyz"), EndsWith("\r\n\r\nready\nchain consortium at height 7: held back\n"));
}

TEST_F(Http, IsNotReadyWithTheReason) {
  ready_ = tl::unexpected(Error{Code::kUnavailable, "chain public is 7 blocks behind"});
  Start();
  const std::string response = Get("/readyz");
  EXPECT_THAT(response, AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("7 blocks behind")));
  EXPECT_EQ(ErrorCode(response), "UNAVAILABLE");
}

TEST_F(Http, APathEndingInASlashServesWhatIsBelow) {
  Start();
  EXPECT_THAT(Get("/v1/chains/ab/blocks/7?full=1"), EndsWith("/v1/chains/ab/blocks/7|full=1"));
  EXPECT_THAT(Get("/v1/chains"), StartsWith("HTTP/1.1 404"));
}

TEST_F(Http, RefusesWhatItDoesNotServeWithATypedError) {
  Start();
  const struct {
    std::string request;
    const char* status;
    const char* code;
  } cases[] = {
      {"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n", "404", "NOT_FOUND"},
      {"DELETE /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", "405", "INVALID_ARGUMENT"},
      {"POST /healthz HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "413", "TOO_LARGE"},
      {"rubbish\r\n\r\n", "400", "INVALID_ARGUMENT"},
      {std::string("\x16\x03\x01\x00\xff\r\n\r\n", 9), "400", "INVALID_ARGUMENT"},
      {"GET / HTTP/1.1\r\nX: " + std::string(9000, 'x'), "431", "TOO_LARGE"},
  };
  for (const auto& c : cases) {
    const std::string response = Ask(c.request);
    EXPECT_THAT(response, StartsWith(std::string("HTTP/1.1 ") + c.status)) << c.request;
    EXPECT_EQ(ErrorCode(response), c.code) << c.request;
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, KeepsAConnectionForMoreThanOneRequest) {
  Start();
  const std::string two =
      Ask("GET /healthz HTTP/1.1\r\n\r\nHEAD /metrics HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(two, AllOf(HasSubstr("ok\nHTTP/1.1 200"), HasSubstr("Content-Length: 12"),
                         EndsWith("\r\n\r\n")));
}

TEST_F(Http, ClosesAClientThatSendsNothingOrSlowly) {
  options_.idle_time = options_.request_time = std::chrono::milliseconds(50);
  Start();
  HttpClient silent(*server_);
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(Ask("GET / HT"), "");
}

TEST_F(Http, TurnsAwayConnectionsOverItsLimit) {
  options_.max_connections = 1;
  Start();
  HttpClient first(*server_);
  first.Write("GET /healthz HTTP/1.1\r\n");
  HttpClient second(*server_);
  const std::string response = second.ReadAll();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(ErrorCode(response), "EXHAUSTED");
  first.Write("Connection: close\r\n\r\n");
  EXPECT_THAT(first.ReadAll(), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, ARequestThatRunsIsAnsweredBeforeTheServerEnds) {
  std::promise<void> begun, ended;
  options_.readers = 1;
  options_.handler = [&](const HttpRequest&) {
    begun.set_value();
    ended.get_future().wait();
    return HttpResponse{200, "text/plain", "done\n"};
  };
  Start();
  HttpClient idle(*server_);
  HttpClient client(*server_);
  client.Write("GET / HTTP/1.1\r\n\r\n");
  begun.get_future().wait();
  std::thread stopping([&] { server_.reset(); });
  EXPECT_EQ(idle.ReadAll(), "") << "it is being stopped";
  ended.set_value();
  EXPECT_THAT(client.ReadAll(), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("done\n")));
  stopping.join();
}

TEST_F(Http, AnswersThatNobodyTakesFillItsMemoryToABound) {
  options_.max_sending_bytes = 10;
  Start();
  const std::string response = Get("/v1/chains/more-than-ten-bytes");
  EXPECT_THAT(response, AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 1")));
  EXPECT_EQ(ErrorCode(response), "EXHAUSTED");
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, StartNamesAnAddressInUse) {
  Start();
  options_.listen = server_->listen_address();
  const auto second = HttpServer::Start(options_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().ToString(),
              AllOf(StartsWith("IO: "), HasSubstr(server_->listen_address())));
}

}  // namespace
}  // namespace talent::node
