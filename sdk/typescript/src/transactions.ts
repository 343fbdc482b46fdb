// Transactions: signed, and as they stand in blocks.
import { randomBytes } from "node:crypto";

import { type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";

import { TalentError } from "./errors.js";
import { type KeyPair } from "./keys.js";
import * as ledger from "./ledger.js";
import { decode, encode, schemaOfKind } from "./messages.js";
import { taggedHash } from "./node_crypto.js";
import { toHex } from "./verify/bytes.js";

export interface SignedTransaction {
  /** Hexadecimal; of a record its id on every tier. */
  id: string;
  kind: string;
  chain: Uint8Array;
  validUntil: bigint;
  /** Canonical bytes, as submitted. */
  bytes: Uint8Array;
}

export interface SignOptions {
  chain: Uint8Array;
  key: KeyPair;
  /** Last height it may take effect at. */
  validUntil: bigint;
  /** How far a record may travel; UNSPECIFIED where it is none. */
  disclosure?: ledger.Disclosure;
  /** 32 secret random bytes, which nobody is to guess; by default the machine's. */
  salt?: Uint8Array;
}

const PACKAGE = "talent.tiers.v1.";

/** Signs `message` as a transaction of the kind that `schema` is named for. */
export function signTransaction<S extends DescMessage>(
  schema: S,
  message: MessageInitShape<S>,
  options: SignOptions,
): SignedTransaction {
  if (!schema.typeName.startsWith(PACKAGE)) throw new TypeError(`${schema.typeName} is no payload`);
  const { chain, key, validUntil } = options;
  const salt = options.salt ?? new Uint8Array(randomBytes(32));
  const data = encode(schema, message);
  const envelope = encode(ledger.EnvelopeSchema, {
    format: 1,
    chainId: chain,
    kind: schema.name,
    authorKey: key.publicKey,
    payloadHash: taggedHash("talent/payload/v1", salt, data),
    validUntil,
    disclosure: options.disclosure ?? ledger.Disclosure.UNSPECIFIED,
  });
  const signature = key.sign("talent/sign/tx/v1", chain, envelope);
  const bytes = encode(ledger.TransactionSchema, { envelope, signature, payload: { salt, data } });
  return { id: transactionId(envelope), kind: schema.name, chain, validUntil, bytes };
}

export function transactionId(envelope: Uint8Array): string {
  return toHex(taggedHash("talent/envelope/v1", envelope));
}

/** A transaction in a block, read. */
export interface TransactionView {
  id: string;
  kind: string;
  /** Public key in hexadecimal. */
  author: string;
  validUntil: bigint;
  disclosure: ledger.Disclosure;
  /** The kind's message; absent where the caller may not read it, it was erased, or this version does not know it. */
  message?: Message;
  /** Its canonical bytes. */
  payload?: Uint8Array;
}

export function readTransaction(envelopeBytes: Uint8Array, payload: ledger.Payload | undefined): TransactionView {
  const { kind, authorKey, validUntil, disclosure } = decode(ledger.EnvelopeSchema, envelopeBytes);
  const view = { id: transactionId(envelopeBytes), kind, author: toHex(authorKey), validUntil, disclosure };
  if (payload === undefined || payload.salt.length === 0) return view;
  const message = decodePayload(kind, payload.data);
  return { ...view, payload: payload.data, ...(message && { message }) };
}

/** The message of a payload; undefined where this version does not know the kind or cannot read it. */
export function decodePayload(kind: string, payload: Uint8Array): Message | undefined {
  const schema = schemaOfKind(kind);
  try {
    return schema && decode(schema, payload);
  } catch (error) {
    if (error instanceof TalentError) return undefined;
    throw error;
  }
}
