#include "node/peers/p2p.h"

#include <gmock/gmock.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <future>

#include "network_fixture.h"
#include "node/peers/address.h"
#include "node/peers/tls_identity.h"

namespace talent::node {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

/// For tests in which nodes must know each other's address before they listen.
std::string FreeAddress() {
  asio::io_context io;
  const tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  return Address{"127.0.0.1", acceptor.local_endpoint().port()}.ToString();
}

class P2p : public ::testing::Test {
 protected:
  /// `b` dials `a`, both up.
  void Connect() {
    a_.Start();
    b_.Dial(a_.address(), a_.key());
    b_.Start();
    ASSERT_TRUE(a_.AwaitUp(b_));
    ASSERT_TRUE(b_.AwaitUp(a_));
  }

  IoThread thread_;
  TestNode a_{thread_.io(), 1}, b_{thread_.io(), 2};
};

TEST_F(P2p, TwoNodesExchangeFrames) {
  Connect();
  EXPECT_TRUE(a_.Send(b_, "from a"));
  EXPECT_TRUE(b_.Send(a_, "from b"));
  ASSERT_TRUE(a_.AwaitFrames(1));
  ASSERT_TRUE(b_.AwaitFrames(1));
  EXPECT_EQ(a_.frames()[0].first, b_.key());
  EXPECT_EQ(a_.frames()[0].second.consensus(), "from b");
  EXPECT_EQ(b_.frames()[0].first, a_.key());
  EXPECT_EQ(b_.frames()[0].second.consensus(), "from a");
  EXPECT_EQ(a_.network().peers().at(0).frames_in, 1U);
  EXPECT_FALSE(a_.network().peers().at(0).outgoing);
  EXPECT_TRUE(b_.network().peers().at(0).outgoing);
}

TEST_F(P2p, ManyFramesOfAllSizesArriveInOrder) {
  Connect();
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(a_.Send(b_, std::to_string(i) + std::string((i * 997) % 50000, 'x')));
  }
  ASSERT_TRUE(b_.AwaitFrames(1000));
  const auto frames = b_.frames();
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string& text = frames[i].second.consensus();
    ASSERT_EQ(text.substr(0, text.find('x')), std::to_string(i));
  }
}

TEST_F(P2p, AFrameOfTheLargestSizePasses_ALargerOneIsDroppedAndCounted) {
  Connect();
  const std::size_t overhead =
      ConsensusFrame(std::string(1u << 20, 'x')).ByteSizeLong() - (1u << 20) + 1;
  EXPECT_TRUE(a_.Send(b_, std::string(PeerNetwork::kMaxFrameBytes - overhead, 'x')));
  EXPECT_FALSE(a_.Send(b_, std::string(PeerNetwork::kMaxFrameBytes, 'x')));
  EXPECT_TRUE(b_.AwaitFrames(1));
  EXPECT_EQ(a_.network().totals().dropped, 1U);
}

TEST_F(P2p, SendToAllReachesConnectedPeersOnly) {
  TestNode c(thread_.io(), 3);
  Connect();
  c.Dial(a_.address(), a_.key());
  c.Start();
  ASSERT_TRUE(a_.AwaitUp(c));
  const std::vector<NodeKey> to = {b_.key(), c.key(), TestKey(9).public_key()};
  EXPECT_EQ(a_.network().SendToAll(to, ConsensusFrame("all")), 2U);
  EXPECT_TRUE(b_.AwaitFrames(1));
  EXPECT_TRUE(c.AwaitFrames(1));
}

TEST_F(P2p, AFullQueueDropsAndCounts) {
  a_.options().max_queued_bytes_per_peer = 1000;
  Connect();
  EXPECT_FALSE(a_.Send(b_, std::string(2000, 'x')));
  EXPECT_TRUE(a_.Send(b_, "small"));
  ASSERT_TRUE(b_.AwaitFrames(1));
  EXPECT_EQ(b_.frames()[0].second.consensus(), "small");
  EXPECT_EQ(a_.network().peers().at(0).dropped, 1U);
}

TEST_F(P2p, AnUnauthorisedKeyIsRefused) {
  a_.Refuse(b_.key());
  a_.Start();
  b_.Dial(a_.address(), a_.key());
  b_.Start();
  ASSERT_TRUE(a_.AwaitAsked(4));  // b came back after it had been refused
  EXPECT_THAT(a_.events(), ::testing::IsEmpty());
  EXPECT_THAT(b_.events(), ::testing::IsEmpty());
  EXPECT_FALSE(b_.Send(a_, "x"));
  EXPECT_GE(a_.network().totals().refused, 1U);
}

TEST_F(P2p, AServerWithAnotherKeyThanPinnedIsRefused) {
  a_.Start();
  b_.Dial(a_.address(), TestKey(9).public_key());
  TestNode c(thread_.io(), 3);  // shows that a does accept others meanwhile
  c.Dial(a_.address(), std::nullopt);
  b_.Start();
  c.Start();
  ASSERT_TRUE(a_.AwaitUp(c));
  EXPECT_THAT(b_.events(), ::testing::IsEmpty());
  EXPECT_EQ(a_.network().peers().size(), 1U);
}

TEST_F(P2p, ARevokedKeyLosesItsConnection) {
  a_.options().timing.keepalive = milliseconds(20);
  Connect();
  a_.Refuse(b_.key());
  EXPECT_TRUE(a_.AwaitDown(b_));
  EXPECT_TRUE(b_.AwaitDown(a_));
}

TEST_F(P2p, ARefusedFrameClosesTheConnection) {
  Connect();
  a_.RefuseFrames();
  b_.Send(a_, "bad");
  EXPECT_TRUE(a_.AwaitDown(b_));
  EXPECT_TRUE(b_.AwaitDown(a_));
}

TEST_F(P2p, NodesThatDialEachOtherAtOnceKeepOneConnectionWithoutFlapping) {
  std::promise<void> both_listen;
  asio::post(thread_.io(), [ready = both_listen.get_future().share()] { ready.wait(); });
  a_.options().listen = FreeAddress();
  b_.options().listen = FreeAddress();
  a_.Dial(b_.options().listen, b_.key());
  b_.Dial(a_.options().listen, a_.key());
  a_.Start();
  b_.Start();
  both_listen.set_value();
  ASSERT_TRUE(a_.AwaitUp(b_));
  ASSERT_TRUE(b_.AwaitUp(a_));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(a_.Send(b_, "ping"));
    ASSERT_TRUE(b_.AwaitFrames(i + 1));
    ASSERT_TRUE(b_.Send(a_, "pong"));
    ASSERT_TRUE(a_.AwaitFrames(i + 1));
  }
  EXPECT_EQ(a_.events().size(), 1U);
  EXPECT_EQ(b_.events().size(), 1U);
  EXPECT_TRUE(a_.network().peers().at(0).outgoing == (a_.key() < b_.key()));
  EXPECT_TRUE(b_.network().peers().at(0).outgoing == (b_.key() < a_.key()));
}

TEST_F(P2p, ADiallerComesBackAfterItsPeerRestarts) {
  Connect();
  a_.options().listen = a_.address();
  a_.Stop();
  ASSERT_TRUE(b_.AwaitDown(a_));
  a_.Start();
  ASSERT_TRUE(b_.AwaitUp(a_));
  EXPECT_TRUE(b_.Send(a_, "again"));
  EXPECT_TRUE(a_.AwaitFrames(1));
}

TEST_F(P2p, ALearnedPeerIsDialledWhereItWasLastSaidToBe) {
  a_.Start();
  b_.Start();
  b_.network().SetLearned({{a_.key(), FreeAddress()}});
  b_.network().SetLearned({{a_.key(), a_.address()}});
  EXPECT_TRUE(a_.AwaitUp(b_));
  EXPECT_TRUE(b_.AwaitUp(a_));
}

TEST_F(P2p, ALearnedPeerThatIsForgottenIsNotDialledAgain) {
  a_.Start();
  b_.Start();
  b_.network().SetLearned({{a_.key(), a_.address()}});
  ASSERT_TRUE(a_.AwaitUp(b_));
  b_.network().SetLearned({});
  a_.Stop();
  ASSERT_TRUE(b_.AwaitDown(a_));
  EXPECT_EQ(b_.network().peers().size(), 0U);
}

TEST_F(P2p, ANodeDoesNotConnectToItself) {
  const std::string address = FreeAddress();
  a_.options().listen = address;
  a_.Dial(address, std::nullopt);
  a_.Dial("127.0.0.1:1", std::nullopt);  // nobody there: dialling goes on beside
  a_.Start();
  b_.Dial(address, std::nullopt);
  b_.Start();
  ASSERT_TRUE(a_.AwaitUp(b_));
  EXPECT_EQ(a_.network().peers().size(), 1U);
}

TEST_F(P2p, StartNamesAnAddressInUse) {
  a_.Start();
  b_.options().listen = a_.address();
  const auto second = PeerNetwork::Start(thread_.io(), TestKey(2), b_.options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kIo);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr(a_.address()));
}

TEST_F(P2p, AFullNodeRefusesStrangersButNotPeersItDials) {
  a_.options().max_connections = 1;
  TestNode c(thread_.io(), 3);
  // Pinned in a's list, though nobody listens at that address: c itself comes in.
  a_.Dial("127.0.0.1:1", c.key());
  Connect();
  TestNode d(thread_.io(), 4);
  d.Dial(a_.address(), a_.key());
  d.Start();
  ASSERT_TRUE(a_.AwaitAsked(3));
  c.Dial(a_.address(), a_.key());
  c.Start();
  EXPECT_TRUE(a_.AwaitUp(c));
  EXPECT_THAT(d.events(), ::testing::IsEmpty());
}

TEST_F(P2p, StrangersLeaveTheLastQuarterOfTheConnectionsToMembers) {
  TestNode c(thread_.io(), 3), d(thread_.io(), 4), member(thread_.io(), 5), e(thread_.io(), 6);
  a_.options().max_connections = 4;
  a_.options().is_member = [key = member.key()](const NodeKey& of) { return of == key; };
  Connect();
  for (TestNode* stranger : {&c, &d}) {
    stranger->Dial(a_.address(), a_.key());
    stranger->Start();
    ASSERT_TRUE(a_.AwaitUp(*stranger));
  }
  const int asked = a_.asked();
  e.Dial(a_.address(), a_.key());
  e.Start();
  ASSERT_TRUE(a_.AwaitAsked(asked + 4));  // it came back after it had been refused
  EXPECT_THAT(e.events(), ::testing::IsEmpty());
  member.Dial(a_.address(), a_.key());
  member.Start();
  EXPECT_TRUE(a_.AwaitUp(member));
}

/// A client of a test: blocking sockets on an io_context of its own.
class RawClient {
 public:
  explicit RawClient(const std::string& address, const char* from = "127.0.0.1") {
    const Address to = ParseAddress(address).value();
    stream_.next_layer().open(tcp::v4());
    stream_.next_layer().bind({asio::ip::make_address(from), 0});
    stream_.next_layer().connect({asio::ip::make_address(to.host), to.port});
  }
  void Handshake() {
    stream_.set_verify_mode(asio::ssl::verify_none);
    stream_.handshake(asio::ssl::stream_base::client);
    char hello[kFrameHeaderBytes] = {};
    asio::write(stream_, asio::buffer(hello));
    asio::read(stream_, asio::buffer(hello));
  }
  void WritePlain(std::string_view bytes) {
    asio::write(stream_.next_layer(), asio::buffer(bytes));
  }
  void Write(std::string_view bytes) { asio::write(stream_, asio::buffer(bytes)); }
  /// Waits for the other end to close.
  void AwaitClosed() {
    boost::system::error_code ec;
    char byte = 0;
    while (!ec) asio::read(stream_.next_layer(), asio::buffer(&byte, 1), ec);
  }

 private:
  static constexpr std::size_t kFrameHeaderBytes = 4;
  asio::io_context io_;
  asio::ssl::context tls_ = MakeTlsContext(TestKey(2)).value();
  asio::ssl::stream<tcp::socket> stream_{io_, tls_};
};

TEST_F(P2p, AnOversizedLengthClosesTheConnection) {
  a_.Start();
  RawClient client(a_.address());
  client.Handshake();
  ASSERT_TRUE(a_.AwaitUp(b_));
  client.Write("\x7f\xff\xff\xff");
  EXPECT_TRUE(a_.AwaitDown(b_));
  client.AwaitClosed();
}

TEST_F(P2p, GarbageInsideTlsClosesTheConnection) {
  a_.Start();
  RawClient client(a_.address());
  client.Handshake();
  ASSERT_TRUE(a_.AwaitUp(b_));
  client.Write(std::string("\0\0\0\x04garb", 8));
  EXPECT_TRUE(a_.AwaitDown(b_));
  client.AwaitClosed();
  EXPECT_THAT(a_.frames(), ::testing::IsEmpty());
}

TEST_F(P2p, PlainTcpGarbageIsRefusedAndServiceGoesOn) {
  a_.Start();
  RawClient client(a_.address());
  client.WritePlain("GET / HTTP/1.1\r\n\r\n");
  client.AwaitClosed();
  b_.Dial(a_.address(), a_.key());
  b_.Start();
  EXPECT_TRUE(a_.AwaitUp(b_));
}

TEST_F(P2p, ASilentClientIsClosedWhenTheHandshakeTakesTooLong) {
  a_.options().timing.handshake = milliseconds(50);
  a_.Start();
  RawClient client(a_.address());
  client.AwaitClosed();
}

TEST_F(P2p, TooManyUnfinishedHandshakesAreClosedAtOnce) {
  a_.options().max_handshakes = 1;
  a_.Start();
  const RawClient silent(a_.address());
  RawClient second(a_.address());
  second.AwaitClosed();
  EXPECT_EQ(a_.network().totals().refused, 1U);
}

TEST_F(P2p, TooManyUnfinishedHandshakesFromOneAddressAreClosedAtOnce) {
  a_.options().max_handshakes_per_address = 1;
  a_.Start();
  const RawClient silent(a_.address());
  RawClient second(a_.address());
  second.AwaitClosed();
  EXPECT_EQ(a_.network().totals().refused, 1U);
  RawClient elsewhere(a_.address(), "127.0.0.2");
  elsewhere.Handshake();
  EXPECT_TRUE(a_.AwaitUp(b_));
}

TEST_F(P2p, APeerThatFallsSilentIsDropped) {
  a_.options().timing.keepalive = milliseconds(10);
  a_.options().timing.idle = milliseconds(30);
  a_.Start();
  RawClient client(a_.address());
  client.Handshake();
  ASSERT_TRUE(a_.AwaitUp(b_));
  EXPECT_TRUE(a_.AwaitDown(b_));
}

TEST_F(P2p, AnIdleConnectionIsKeptAlive) {
  for (TestNode* node : {&a_, &b_}) {
    node->options().timing.keepalive = milliseconds(10);
    node->options().timing.idle = milliseconds(1000);
  }
  Connect();
  // A key is checked again at every keepalive: 150 of them take longer than `idle`.
  ASSERT_TRUE(a_.AwaitAsked(150));
  EXPECT_EQ(a_.events().size(), 1U);
  EXPECT_EQ(b_.events().size(), 1U);
}

TEST_F(P2p, NoCallbackComesAfterTheNetworkIsGone) {
  Connect();
  for (int i = 0; i < 100; ++i) b_.Send(a_, "x");
  a_.Stop();
  const auto frames = a_.frames().size();
  ASSERT_TRUE(b_.AwaitDown(a_));
  EXPECT_EQ(a_.frames().size(), frames);
}

}  // namespace
}  // namespace talent::node
