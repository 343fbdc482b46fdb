// Payloads and state of the three tiers: package talent.tiers.v1.
export * from "./gen/talent/tiers/v1/career_pb.js";
export * from "./gen/talent/tiers/v1/common_pb.js";
export * from "./gen/talent/tiers/v1/consortium_pb.js";
export * from "./gen/talent/tiers/v1/contest_pb.js";
export * from "./gen/talent/tiers/v1/erasure_pb.js";
export * from "./gen/talent/tiers/v1/governance_pb.js";
export * from "./gen/talent/tiers/v1/private_pb.js";
export * from "./gen/talent/tiers/v1/public_pb.js";
