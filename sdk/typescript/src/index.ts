// Talentchain for Node: keys, signing, submitting, following, reading and verifying.
export { type Block, Chain, type KeyPart, NoEffect, type Outcome, type SendOptions, type Standing, type WaitOptions, idBytes, stateKey } from "./chain.js";
export { Client, type ConnectOptions } from "./client.js";
export { type Code, TalentError } from "./errors.js";
export { type KeyFileInfo, type KeyFileOptions, inspectKeyFile, readKeyFile, writeKeyFile } from "./key_file.js";
export { KeyPair, type SigningTag } from "./keys.js";
export { decode, encode, ledger, node, schemaOfKind, tiers } from "./messages.js";
export { Network } from "./network.js";
export { nodeCrypto } from "./node_crypto.js";
export { type FieldVerdict, Review } from "./reviews.js";
export { subjectId } from "./subjects.js";
export { type SignOptions, type SignedTransaction, type TransactionView, decodePayload, signTransaction, transactionId } from "./transactions.js";
export { verifyProof, verifyStatement } from "./verifying.js";
export type * from "./verify/index.js";
