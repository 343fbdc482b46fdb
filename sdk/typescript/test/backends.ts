// The machines a verifier runs on: every one gives the same answers.
import { webcrypto } from "node:crypto";

import { type CryptoBackend, webCrypto } from "talentchain/verify";

import { softCrypto } from "../dist/verify/soft_crypto.js";

export const BACKENDS: [string, CryptoBackend][] = [
  ["WebCrypto", webCrypto(webcrypto.subtle as SubtleCrypto)],
  ["JavaScript", softCrypto],
];
