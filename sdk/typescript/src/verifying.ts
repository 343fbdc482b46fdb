// talentchain/verify with the hashes and signatures of Node.
import { nodeCrypto } from "./node_crypto.js";
import { type Verdict, type VerifyOptions, verifyProof as proof, verifyStatement as statement } from "./verify/index.js";

/** Of a TransactionProof, from the bytes of its chain's genesis file: see talentchain/verify. */
export function verifyProof(genesis: Uint8Array, bytes: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
  return proof(genesis, bytes, { crypto: nodeCrypto, ...options });
}

/** Of a StateStatement: see talentchain/verify. */
export function verifyStatement(genesis: Uint8Array, bytes: Uint8Array, options: VerifyOptions = {}): Promise<Verdict> {
  return statement(genesis, bytes, { crypto: nodeCrypto, ...options });
}
