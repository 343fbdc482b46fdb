// The services of a node: package talent.node.v1.
export * from "./gen/talent/node/v1/market_service_pb.js";
export * from "./gen/talent/node/v1/node_service_pb.js";
