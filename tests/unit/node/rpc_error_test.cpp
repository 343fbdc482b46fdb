#include "node/rpc/rpc_error.h"

#include <gtest/gtest.h>

#include "talent/node/v1/rpc_status.pb.h"

namespace talent::node {
namespace {

v1::RpcStatus Details(const grpc::Status& status) {
  v1::RpcStatus out;
  EXPECT_TRUE(out.ParseFromString(status.error_details()));
  return out;
}

TEST(RpcError, EveryCode_SurvivesTheWire) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const Error error{static_cast<Code>(i), "row 17 is no row"};
    const Error back = FromGrpcStatus(ToGrpcStatus(error));
    EXPECT_EQ(back.code, error.code) << CodeName(error.code);
    EXPECT_EQ(back.message, error.message);
  }
}

TEST(RpcError, Details_AreWhatGoogleRpcClientsRead) {
  const auto status = ToGrpcStatus({Code::kInvalidArgument, "no"}, "chain_id");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto details = Details(status);
  EXPECT_EQ(details.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  ASSERT_EQ(details.details_size(), 2);
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  v1::RpcErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(details.details(0).value()));
  EXPECT_EQ(info.reason(), "INVALID_ARGUMENT");
  EXPECT_EQ(info.domain(), "talentchain");
  v1::RpcBadRequest bad;
  ASSERT_TRUE(bad.ParseFromString(details.details(1).value()));
  EXPECT_EQ(bad.field_violations(0).field(), "chain_id");
}

TEST(RpcError, FullOrStartingNode_SaysWhenToTryAgain) {
  const auto details = Details(ToGrpcStatus({Code::kExhausted, "mempool full"}));
  ASSERT_EQ(details.details_size(), 2);
  EXPECT_EQ(details.details(1).type_url(), "type.googleapis.com/google.rpc.RetryInfo");
}

TEST(RpcError, StatusesOfGrpcItself_GetTheNearestCode) {
  EXPECT_EQ(FromGrpcStatus({grpc::StatusCode::DEADLINE_EXCEEDED, ""}).code, Code::kUnavailable);
  EXPECT_EQ(FromGrpcStatus({grpc::StatusCode::RESOURCE_EXHAUSTED, ""}).code, Code::kTooLarge);
  EXPECT_EQ(FromGrpcStatus({grpc::StatusCode::UNAVAILABLE, "", "garbage"}).code,
            Code::kUnavailable);
}

}  // namespace
}  // namespace talent::node
