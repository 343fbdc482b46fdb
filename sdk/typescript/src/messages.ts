// The messages of proto/talent, by package: `tiers.ReviewCommittedSchema`, `tiers.FieldVerdict.DISPUTE`, …
import {
  type DescMessage, type MessageInitShape, type MessageShape, create, createRegistry, fromBinary, toBinary,
} from "@bufbuild/protobuf";

import { TalentError } from "./errors.js";
import * as tiers from "./tiers.js";
import { equal } from "./verify/bytes.js";

export * as ledger from "./ledger.js";
export * as node from "./node.js";
export { tiers };

const PACKAGE = "talent.tiers.v1";
const registry = createRegistry(
  tiers.file_talent_tiers_v1_common, tiers.file_talent_tiers_v1_private, tiers.file_talent_tiers_v1_consortium,
  tiers.file_talent_tiers_v1_public, tiers.file_talent_tiers_v1_governance, tiers.file_talent_tiers_v1_erasure,
  tiers.file_talent_tiers_v1_contest, tiers.file_talent_tiers_v1_career,
);

/** The canonical bytes of a message (docs/protocol.md, "Encoding"). */
export function encode<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Uint8Array {
  return toBinary(schema, create(schema, message), { writeUnknownFields: false });
}

/** Throws TalentError INVALID_ARGUMENT where `bytes` are no canonical `schema`. */
export function decode<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> {
  try {
    const message = fromBinary(schema, bytes);
    if (equal(toBinary(schema, message, { writeUnknownFields: false }), bytes)) return message;
  } catch (cause) {
    throw new TalentError("INVALID_ARGUMENT", `${bytes.length} bytes are no ${schema.typeName}`, { cause });
  }
  throw new TalentError("INVALID_ARGUMENT", `${schema.typeName} is not canonically encoded`);
}

/** The schema of a transaction's kind; undefined where this version does not know it. */
export function schemaOfKind(kind: string): DescMessage | undefined {
  return registry.getMessage(`${PACKAGE}.${kind}`);
}
