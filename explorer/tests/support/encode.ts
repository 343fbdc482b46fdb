// Messages as canonical bytes, from their fields.
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import descriptors from "virtual:descriptors";

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(descriptors)));

export function encode(kind: string, fields: Record<string, unknown>): Uint8Array {
  const desc = registry.getMessage(`talent.tiers.v1.${kind}`);
  if (desc === undefined) throw new Error(`no message ${kind}`);
  return toBinary(desc, create(desc, fields as never));
}
