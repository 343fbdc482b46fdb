// People on a chain.
import { taggedHash } from "./node_crypto.js";

/** A subject id 人才编号: salted with 32 random bytes that stay with the centre, so that nobody guesses it from a document. */
export function subjectId(salt: Uint8Array, identityDocument: Uint8Array): Uint8Array {
  if (salt.length !== 32) throw new RangeError(`a salt of ${salt.length} bytes; 32 are expected`);
  return taggedHash("talent/subject/v1", salt, identityDocument);
}
