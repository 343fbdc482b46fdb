// The messages of proto/talent that a verifier reads.
import { list, message, type Of } from "./wire.js";

// talent/ledger/v1/ledger.proto

export const Envelope = message({
  format: [1, "uint32"],
  chainId: [2, "bytes"],
  kind: [3, "string"],
  authorKey: [4, "bytes"],
  payloadHash: [5, "bytes"],
  validUntil: [6, "uint64"],
  disclosure: [7, "enum"],
});
export const SignedEnvelope = message({ envelope: [1, "bytes"], signature: [2, "bytes"] });
export const Payload = message({ salt: [1, "bytes"], data: [2, "bytes"] });

export const BlockHeader = message({
  format: [1, "uint32"],
  suite: [2, "uint32"],
  chainId: [3, "bytes"],
  height: [4, "uint64"],
  previousHash: [5, "bytes"],
  view: [6, "uint64"],
  proposer: [7, "uint32"],
  timeMs: [8, "uint64"],
  transactionsRoot: [9, "bytes"],
  receiptsRoot: [10, "bytes"],
  stateRoot: [11, "bytes"],
  transactionCount: [12, "uint32"],
  epoch: [13, "uint64"],
  validatorsHash: [14, "bytes"],
  nextValidatorsHash: [15, "bytes"],
});
const Seal = message({ validator: [1, "uint32"], signature: [2, "bytes"] });
export const Certificate = message({ epoch: [1, "uint64"], seals: [2, list(Seal)] });
export const CertifiedHeader = message({ header: [1, "bytes"], certificate: [2, Certificate] });
export const Receipt = message({ txId: [1, "bytes"], code: [2, "enum"] });

const ValidatorInfo = message({ name: [1, "string"], voteKey: [2, "bytes"], nodeKey: [3, "bytes"] });
export const EpochChange = message({ header: [1, CertifiedHeader], nextValidators: [2, list(ValidatorInfo)] });

export const TransactionPath = message({
  index: [1, "uint32"],
  transactionPath: [2, list("bytes")],
  receipt: [3, "bytes"],
  receiptPath: [4, list("bytes")],
});
export const StateProof = message({
  key: [1, "bytes"],
  value: [2, "bytes"],
  present: [3, "bool"],
  siblings: [4, list("bytes")],
  otherPath: [5, "bytes"],
  otherValueHash: [6, "bytes"],
});
export const StateStatement = message({ header: [1, CertifiedHeader], proof: [2, StateProof] });
export const TransactionProof = message({
  epochs: [1, list(EpochChange)],
  header: [2, CertifiedHeader],
  transaction: [3, SignedEnvelope],
  path: [4, TransactionPath],
  payload: [5, Payload],
  statements: [6, list(StateStatement)],
});
/** A TransactionProof's changes of validators as the bytes they came in. */
export const EpochBytes = message({
  epochs: [1, list("bytes")],
  header: [2, list("bytes")],
  transaction: [3, list("bytes")],
  path: [4, list("bytes")],
  payload: [5, list("bytes")],
  statements: [6, list("bytes")],
});

// talent/ledger/v1/erasure.proto

export const ErasedEntry = message({ by: [1, "bytes"], height: [2, "uint64"], timeMs: [3, "uint64"] });

// talent/tiers/v1/common.proto

export const AcceptedHeader = message({ header: [1, "bytes"] });
export const PromotionDecision = message({
  kind: [1, "string"],
  contentKind: [2, "string"],
  disclosure: [3, "enum"],
  author: [4, "string"],
  centre: [5, "string"],
  priority: [6, "uint32"],
  valueClass: [7, "uint32"],
  policyVersion: [8, "uint64"],
  parties: [9, list("string")],
  supersedes: [10, "bytes"],
  publish: [11, "bool"],
  erases: [12, list("bytes")],
  contests: [13, "bytes"],
});

// talent/tiers/v1/consortium.proto

export const RecordPromoted = message({
  sourceChain: [1, "bytes"],
  height: [2, "uint64"],
  record: [3, SignedEnvelope],
  payload: [4, Payload],
  path: [5, TransactionPath],
  decisionHeight: [6, "uint64"],
  decision: [7, StateProof],
});
const FieldReview = message({
  field: [1, "string"],
  verdict: [2, "enum"],
  proposedValueHash: [3, "bytes"],
  evidenceHash: [4, "bytes"],
});
const ReviewVerdict = message({ fields: [1, list(FieldReview)] });
export const ReviewRevealed = message({ recordId: [1, "bytes"], verdict: [2, ReviewVerdict], salt: [3, "bytes"] });
const Refusal = message({ reason: [1, "enum"], statementHash: [2, "bytes"] });
export const DisputeAnswered = message({
  recordId: [1, "bytes"],
  correction: [2, "bytes", "oneof"],
  refusal: [3, Refusal, "oneof"],
});
export const ArbitrationVoted = message({ recordId: [1, "bytes"], verdict: [2, "enum"] });
export const ConsortiumRecord = message({
  sourceChain: [1, "bytes"],
  kind: [2, "string"],
  contentKind: [3, "string"],
  disclosure: [4, "enum"],
  author: [5, "string"],
  centre: [6, "string"],
  priority: [7, "uint32"],
  valueClass: [8, "uint32"],
  parties: [9, list("string")],
  status: [10, "enum"],
  promotionTx: [11, "bytes"],
  height: [12, "uint64"],
  promotedMs: [13, "uint64"],
  commitsCloseMs: [14, "uint64"],
  revealsCloseMs: [15, "uint64"],
  answerByMs: [16, "uint64"],
  supersedes: [17, "bytes"],
  supersededBy: [18, "bytes"],
  answeredBy: [19, "bytes"],
  path: [20, list("bytes")],
  commits: [21, "uint32"],
  confirmations: [22, "uint32"],
  disputes: [23, "uint32"],
  upheld: [24, "bool"],
  publish: [25, "bool"],
  partyConfirmations: [26, "uint32"],
  partyDisputes: [27, "uint32"],
  policyVersion: [28, "uint64"],
  arbitrationByMs: [29, "uint64"],
  erasedBy: [30, "bytes"],
  silent: [31, "bool"],
  contestedBy: [32, "bytes"],
  contests: [33, "bytes"],
});

// talent/tiers/v1/public.proto

export const RecordEvidence = message({ record: [1, SignedEnvelope], payload: [2, Payload], state: [3, StateProof] });
export const PathStep = message({
  height: [1, "uint64"],
  transaction: [2, SignedEnvelope],
  payload: [3, Payload],
  path: [4, TransactionPath],
});
export const RecordPublished = message({
  sourceChain: [1, "bytes"],
  height: [2, "uint64"],
  record: [3, RecordEvidence],
  steps: [4, list(PathStep)],
});
export const CorrectionPublished = message({
  sourceChain: [1, "bytes"],
  height: [2, "uint64"],
  original: [3, RecordEvidence],
  correction: [4, RecordEvidence],
  steps: [5, list(PathStep)],
});
export const PublishedRecord = message({
  sourceChain: [1, "bytes"],
  kind: [2, "string"],
  contentKind: [3, "string"],
  centre: [4, "string"],
  status: [5, "enum"],
  publicationTx: [6, "bytes"],
  height: [7, "uint64"],
  publishedMs: [8, "uint64"],
  supersedes: [9, "bytes"],
  supersededBy: [10, "bytes"],
  correctionTx: [11, "bytes"],
  erasedBy: [12, "bytes"],
  consortium: [13, "bytes"],
});

export type TransactionProof = Of<typeof TransactionProof>;
export type CertifiedHeader = Of<typeof CertifiedHeader>;
export type BlockHeader = Of<typeof BlockHeader>;
export type EpochChange = Of<typeof EpochChange>;
export type SignedEnvelope = Of<typeof SignedEnvelope>;
export type Payload = Of<typeof Payload>;
export type TransactionPath = Of<typeof TransactionPath>;
export type StateProof = Of<typeof StateProof>;
export type StateStatement = Of<typeof StateStatement>;
export type RecordPromoted = Of<typeof RecordPromoted>;
export type RecordPublished = Of<typeof RecordPublished>;
export type CorrectionPublished = Of<typeof CorrectionPublished>;
export type RecordEvidence = Of<typeof RecordEvidence>;
export type PathStep = Of<typeof PathStep>;
export type ConsortiumRecord = Of<typeof ConsortiumRecord>;
export type PublishedRecord = Of<typeof PublishedRecord>;
