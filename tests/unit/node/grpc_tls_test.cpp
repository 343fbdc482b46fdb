#include "node/rpc/grpc_tls.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temp_dir.h"

namespace talent::node {
namespace {

class GrpcTlsTest : public testing::Test {
 protected:
  TempDir temp_;
  const std::filesystem::path dir_ = temp_.path();
};

TEST_F(GrpcTlsTest, Certificate_IsMadeOnceAndThenRead) {
  const auto first = LoadOrMakeServerCertificate(dir_, {"localhost"});
  ASSERT_TRUE(first) << first.error().ToString();
  const auto second = LoadOrMakeServerCertificate(dir_, {"localhost"});
  ASSERT_TRUE(second) << second.error().ToString();
  EXPECT_EQ(first->certificate, second->certificate);
  EXPECT_EQ(first->private_key, second->private_key);
}

TEST_F(GrpcTlsTest, PrivateKey_IsForItsOwnerOnly) {
  ASSERT_TRUE(LoadOrMakeServerCertificate(dir_, {"localhost"}));
  struct stat info {};
  ASSERT_EQ(stat((dir_ / "grpc.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(GrpcTlsTest, HalfAPair_IsRefusedNotReplaced) {
  ASSERT_TRUE(LoadOrMakeServerCertificate(dir_, {"localhost"}));
  std::filesystem::remove(dir_ / "grpc.key");
  const auto result = LoadOrMakeServerCertificate(dir_, {"localhost"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kPrecondition);
}

// Under a leak checker this also shows that the half read before is let go.
TEST_F(GrpcTlsTest, UnreadableKey_IsSaidNotReplaced) {
  ASSERT_TRUE(LoadOrMakeServerCertificate(dir_, {"localhost"}));
  std::filesystem::remove(dir_ / "grpc.key");
  std::filesystem::create_directory(dir_ / "grpc.key");
  const auto result = LoadOrMakeServerCertificate(dir_, {"localhost"});
  ASSERT_FALSE(result);
  EXPECT_TRUE(std::filesystem::is_directory(dir_ / "grpc.key"));
}

}  // namespace
}  // namespace talent::node
