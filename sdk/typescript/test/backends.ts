// The machines a verifier runs on: every one gives the same answers.
import { webcrypto } from "node:crypto";

import { nodeCrypto } from "talentchain";
import { type CryptoBackend, webCrypto } from "talentchain/verify";

import { softCrypto } from "../dist/verify/soft_crypto.js";

export const BACKENDS: [string, CryptoBackend][] = [
  ["node:crypto", nodeCrypto],
  ["WebCrypto", webCrypto(webcrypto.subtle as SubtleCrypto)],
  ["JavaScript", softCrypto],
];
