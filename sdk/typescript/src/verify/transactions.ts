// Transactions: what an author signed, and where it stands in a block.
import { equal, toHex } from "./bytes.js";
import type { CryptoBackend } from "./crypto.js";
import { taggedHash, verifyTagged } from "./hashes.js";
import { read } from "./headers.js";
import * as m from "./messages.js";
import { checkInclusion } from "./trees.js";
import { type Transaction, ensure } from "./verdict.js";
import { type Of, orEmpty } from "./wire.js";

const DISCLOSURES = ["UNSPECIFIED", "PRIVATE", "COMMITMENT", "FULL"] as const;
const KIND = /^[A-Za-z0-9]{1,64}$/;

export interface SignedTransaction extends Transaction {
  idBytes: Uint8Array;
  chainBytes: Uint8Array;
  envelope: Of<typeof m.Envelope>;
  signed: m.SignedEnvelope;
}

/** The envelope by itself. */
export async function readEnvelope(
  crypto: CryptoBackend,
  step: string,
  given: m.SignedEnvelope | undefined,
): Promise<SignedTransaction> {
  const signed = orEmpty(m.SignedEnvelope, given);
  const envelope = read(m.Envelope, signed.envelope, step);
  const { kind, chainId, authorKey, payloadHash, validUntil } = envelope;
  const disclosure = DISCLOSURES[envelope.disclosure];
  ensure(envelope.format === 1, step, `format ${envelope.format}`, `格式 ${envelope.format} 未知`);
  ensure(KIND.test(kind), step, "the kind is not 1 to 64 letters and digits", "类型名称不符");
  ensure(validUntil !== 0n, step, "valid_until is missing", "缺少 valid_until");
  ensure(disclosure !== undefined, step, `unknown disclosure ${envelope.disclosure}`, "披露级别未知");
  ensure([chainId, authorKey, payloadHash].every((field) => field.length === 32), step,
    "chain, key or payload hash has another size", "链、密钥或内容哈希的长度不符");
  ensure(signed.signature.length === 64, step, "the signature has another size", "签名长度不符");
  const id = await taggedHash(crypto, "talent/envelope/v1", signed.envelope);
  return {
    id: toHex(id),
    chain: toHex(chainId),
    kind,
    author: toHex(authorKey),
    validUntil,
    disclosure,
    idBytes: id,
    chainBytes: chainId,
    envelope,
    signed,
  };
}

export async function checkAuthor(
  crypto: CryptoBackend,
  step: string,
  tx: SignedTransaction,
  chain: Uint8Array,
): Promise<void> {
  const { envelope, signed } = tx;
  ensure(equal(envelope.chainId, chain), step, `meant for chain ${tx.chain}`, `属于链 ${tx.chain}`);
  const holds = await verifyTagged(crypto, envelope.authorKey, "talent/sign/tx/v1", chain, signed.envelope, signed.signature);
  ensure(holds, step, "the signature does not verify", "签名无效");
}

/** Gives `tx` its payload. */
export async function attachPayload(
  crypto: CryptoBackend,
  step: string,
  tx: SignedTransaction,
  payload: m.Payload,
): Promise<void> {
  ensure(payload.salt.length === 32, step, "the salt has another size", "盐的长度不符");
  const hash = await taggedHash(crypto, "talent/payload/v1", payload.salt, payload.data);
  ensure(equal(hash, tx.envelope.payloadHash), step, "another payload than the author signed", "内容与作者签名的不符");
  tx.payload = payload.data;
}

/** The receipt of `id` at the path's place in the block. Steps "transaction path", "receipt path" and "receipt". */
export async function checkPlace(
  crypto: CryptoBackend,
  header: m.BlockHeader,
  id: Uint8Array,
  given: m.TransactionPath | undefined,
): Promise<Of<typeof m.Receipt>> {
  const path = orEmpty(m.TransactionPath, given);
  const { index, receipt: bytes } = path;
  await checkInclusion(crypto, "transaction path", id, header, index, path.transactionPath, header.transactionsRoot);
  await checkInclusion(crypto, "receipt path", bytes, header, index, path.receiptPath, header.receiptsRoot);
  const receipt = read(m.Receipt, bytes, "receipt");
  ensure(equal(receipt.txId, id), "receipt", "of another transaction", "属于另一笔交易");
  return receipt;
}

const RECEIPT_CODES = [
  "OK", "EXPIRED", "DUPLICATE", "INVALID", "UNAUTHORIZED", "PRECONDITION", "NOT_FOUND", "BAD_EVIDENCE",
];
export function receiptName(code: number): string {
  return RECEIPT_CODES[code] ?? String(code);
}

/** What is told of a transaction. */
export function publicPart(tx: SignedTransaction): Transaction {
  const { id, chain, kind, author, validUntil, disclosure, payload } = tx;
  return { id, chain, kind, author, validUntil, disclosure, ...(payload && { payload }) };
}
