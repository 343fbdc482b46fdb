// Errors of a node, with the code it gave them.
import { fromBinary } from "@bufbuild/protobuf";
import { type ServiceError, status } from "@grpc/grpc-js";

import {
  RpcBadRequestSchema, RpcErrorInfoSchema, RpcRetryInfoSchema, type RpcStatus, RpcStatusSchema,
} from "./gen/talent/node/v1/rpc_status_pb.js";

/** The project's codes (docs/protocol.md, "Clients: gRPC"). */
export type Code =
  | "INVALID_ARGUMENT" | "TOO_LARGE" | "BAD_SIGNATURE" | "WRONG_CHAIN" | "UNAUTHORIZED" | "EXPIRED" | "DUPLICATE"
  | "NOT_FOUND" | "PRUNED" | "PRECONDITION" | "EXHAUSTED" | "UNAVAILABLE" | "CORRUPTION" | "DIVERGED"
  | "WRONG_GENESIS" | "FORMAT_VERSION" | "IO" | "INTERNAL";

const CODES: ReadonlySet<string> = new Set<Code>([
  "INVALID_ARGUMENT", "TOO_LARGE", "BAD_SIGNATURE", "WRONG_CHAIN", "UNAUTHORIZED", "EXPIRED", "DUPLICATE",
  "NOT_FOUND", "PRUNED", "PRECONDITION", "EXHAUSTED", "UNAVAILABLE", "CORRUPTION", "DIVERGED",
  "WRONG_GENESIS", "FORMAT_VERSION", "IO", "INTERNAL",
]);

export interface ErrorDetails {
  /** Of the call; 16 (UNAUTHENTICATED) where the token is missing or has ended. */
  grpcCode?: number;
  /** Field of the request that was wrong. */
  field?: string;
  /** The same call may succeed after so long. */
  retryAfterMs?: number;
  /** What it came from, of a file or of bytes. */
  cause?: unknown;
}

/** A refusal or failure; `message` says what was wrong and what to do. */
export class TalentError extends Error {
  override readonly name = "TalentError";
  readonly grpcCode?: number;
  readonly field?: string;
  readonly retryAfterMs?: number;

  constructor(readonly code: Code, message: string, details: ErrorDetails = {}) {
    const { cause, ...rest } = details;
    super(`${code}: ${message}`, cause === undefined ? {} : { cause });
    Object.assign(this, rest);
  }
}

const DOMAIN = "talentchain";
const URL_PREFIX = "type.googleapis.com/google.rpc.";
const TRAILER = "grpc-status-details-bin";

/** For a status that gRPC made itself: no connection, a deadline, an answer that is too large. */
function nearestCode(grpcCode: number): Code {
  switch (grpcCode) {
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
    case status.UNIMPLEMENTED:
      return "INVALID_ARGUMENT";
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return "UNAUTHORIZED";
    case status.NOT_FOUND:
      return "NOT_FOUND";
    case status.ALREADY_EXISTS:
      return "DUPLICATE";
    case status.FAILED_PRECONDITION:
      return "PRECONDITION";
    case status.RESOURCE_EXHAUSTED:
      return "TOO_LARGE";
    case status.DATA_LOSS:
      return "CORRUPTION";
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.ABORTED:
      return "UNAVAILABLE";
    default:
      return "INTERNAL";
  }
}

function parseStatus(bytes: Uint8Array): RpcStatus | undefined {
  try {
    return fromBinary(RpcStatusSchema, bytes);
  } catch {
    return undefined; // not ours
  }
}

/** The error of a google.rpc.Status. */
export function fromRpcStatus(rpc: RpcStatus): TalentError {
  let code = nearestCode(rpc.code);
  const details: ErrorDetails = { grpcCode: rpc.code };
  for (const any of rpc.details) {
    if (any.typeUrl === `${URL_PREFIX}ErrorInfo`) {
      const { domain, reason } = fromBinary(RpcErrorInfoSchema, any.value);
      if (domain === DOMAIN && CODES.has(reason)) code = reason as Code;
    } else if (any.typeUrl === `${URL_PREFIX}BadRequest`) {
      const field = fromBinary(RpcBadRequestSchema, any.value).fieldViolations[0]?.field;
      if (field !== undefined) details.field = field;
    } else if (any.typeUrl === `${URL_PREFIX}RetryInfo`) {
      const delay = fromBinary(RpcRetryInfoSchema, any.value).retryDelay;
      if (delay) details.retryAfterMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    }
  }
  return new TalentError(code, rpc.message, details);
}

/** The error of a failed call. */
export function fromServiceError(error: ServiceError): TalentError {
  const [bytes] = error.metadata?.get(TRAILER) ?? [];
  const rpc = bytes instanceof Uint8Array ? parseStatus(bytes) : undefined;
  if (rpc !== undefined && rpc.code !== 0) return fromRpcStatus(rpc);
  return new TalentError(nearestCode(error.code), error.details || error.message, { grpcCode: error.code });
}
