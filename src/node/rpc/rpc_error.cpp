#include "node/rpc/rpc_error.h"

#include <array>
#include <optional>

#include "talent/node/v1/rpc_status.pb.h"

namespace talent::node {
namespace {

constexpr std::string_view kDomain = "talentchain";
constexpr std::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr std::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";
constexpr std::string_view kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";
/// About one view timeout of a busy chain: by then a full mempool has moved or a leader has
/// changed.
constexpr std::int64_t kRetrySeconds = 1;

constexpr std::array kAllCodes = {Code::kInvalidArgument, Code::kTooLarge,     Code::kBadSignature,
                                  Code::kWrongChain,      Code::kUnauthorized, Code::kExpired,
                                  Code::kDuplicate,       Code::kNotFound,     Code::kPruned,
                                  Code::kPrecondition,    Code::kExhausted,    Code::kUnavailable,
                                  Code::kCorruption,      Code::kDiverged,     Code::kWrongGenesis,
                                  Code::kFormatVersion,   Code::kIo,           Code::kInternal};

grpc::StatusCode GrpcCode(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kTooLarge:
    case Code::kBadSignature:
    case Code::kWrongChain:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::kUnauthorized:
      return grpc::StatusCode::PERMISSION_DENIED;
    case Code::kDuplicate:
      return grpc::StatusCode::ALREADY_EXISTS;
    case Code::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case Code::kPruned:
      return grpc::StatusCode::OUT_OF_RANGE;
    case Code::kExpired:
    case Code::kPrecondition:
    case Code::kWrongGenesis:
    case Code::kFormatVersion:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::kExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::kCorruption:
    case Code::kDiverged:
      return grpc::StatusCode::DATA_LOSS;
    case Code::kIo:
    case Code::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

/// Code for a status that carries none of ours: gRPC made it.
Code NearestCode(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNIMPLEMENTED:
      return Code::kInvalidArgument;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return Code::kUnauthorized;
    case grpc::StatusCode::NOT_FOUND:
      return Code::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return Code::kDuplicate;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return Code::kPrecondition;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:  // "Received message larger than max"
      return Code::kTooLarge;
    case grpc::StatusCode::DATA_LOSS:
      return Code::kCorruption;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:  // nothing definite is known about the call
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::ABORTED:
      return Code::kUnavailable;
    default:
      return Code::kInternal;
  }
}

void AddDetail(v1::RpcStatus& status, std::string_view type_url,
               const google::protobuf::Message& detail) {
  google::protobuf::Any& any = *status.add_details();
  any.set_type_url(std::string(type_url));
  any.set_value(detail.SerializeAsString());
}

grpc::Status MakeStatus(grpc::StatusCode code, const Error& error, std::string_view field) {
  v1::RpcStatus status;
  status.set_code(code);
  status.set_message(error.message);
  v1::RpcErrorInfo info;
  info.set_reason(std::string(CodeName(error.code)));
  info.set_domain(std::string(kDomain));
  AddDetail(status, kErrorInfoUrl, info);
  if (!field.empty() && code == grpc::StatusCode::INVALID_ARGUMENT) {
    v1::RpcBadRequest bad;
    auto& violation = *bad.add_field_violations();
    violation.set_field(std::string(field));
    violation.set_description(error.message);
    AddDetail(status, kBadRequestUrl, bad);
  }
  if (error.code == Code::kExhausted || error.code == Code::kUnavailable) {
    v1::RpcRetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetrySeconds);
    AddDetail(status, kRetryInfoUrl, retry);
  }
  return {code, error.message, status.SerializeAsString()};
}

std::optional<Code> CodeOf(const v1::RpcStatus& status) {
  for (const auto& any : status.details()) {
    v1::RpcErrorInfo info;
    if (any.type_url() != kErrorInfoUrl || !info.ParseFromString(any.value()) ||
        info.domain() != kDomain) {
      continue;
    }
    for (const Code code : kAllCodes) {
      if (CodeName(code) == info.reason()) return code;
    }
  }
  return std::nullopt;
}

}  // namespace

grpc::Status ToGrpcStatus(const Error& error, std::string_view field) {
  return MakeStatus(GrpcCode(error.code), error, field);
}

grpc::Status UnauthenticatedStatus(const Error& error) {
  return MakeStatus(grpc::StatusCode::UNAUTHENTICATED, error, {});
}

Error FromGrpcStatus(const grpc::Status& status) {
  CHECK(!status.ok());
  v1::RpcStatus details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    if (const auto code = CodeOf(details)) return {*code, status.error_message()};
  }
  return {NearestCode(status.error_code()), status.error_message()};
}

Error FromRpcStatus(const v1::RpcStatus& status) {
  const auto code = CodeOf(status);
  return {code ? *code : NearestCode(static_cast<grpc::StatusCode>(status.code())),
          status.message()};
}

}  // namespace talent::node
