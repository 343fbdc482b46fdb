// What is signed, hashed and proven: package talent.ledger.v1.
export * from "./gen/talent/ledger/v1/erasure_pb.js";
export * from "./gen/talent/ledger/v1/ledger_pb.js";
