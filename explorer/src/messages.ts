// Payloads and state values as trees that can be shown: every field with its name and type, read from proven bytes with the
// descriptors of proto/. Nothing of it comes from a server's JSON.
import { createFileRegistry, fromBinary, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import descriptors from "virtual:descriptors";
import { toHex } from "./bytes";

const kPackage = "talent.tiers.v1.";
/** Bytes that hold a message of their own, by the field that holds them. Of `Corrected.content` the kind says which. */
const kNested: Record<string, string> = {
  "InvestmentConfirmed.statement": "InvestmentStatement",
  "TokenTransferred.statement": "TransferStatement",
  "FlowRecorded.statement": "FlowStatement",
};
/** Deepest tree; a correction's assessment is three deep. */
const kMaxDepth = 8;

export type Value =
  | { type: "text"; text: string }
  | { type: "number"; number: bigint }
  | { type: "flag"; flag: boolean }
  | { type: "bytes"; hex: string }
  | { type: "enum"; name: string }
  | { type: "message"; message: Decoded };

/** A field that is set. */
export interface Field {
  name: string;
  repeated: boolean;
  values: Value[];
}

/** A message of the kind, by its name in proto/talent/tiers. */
export interface Decoded {
  kind: string;
  fields: Field[];
}

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(descriptors)));

/** Reads `data` as the message `kind`. Undefined where there is no such message or the bytes are none. */
export function decode(kind: string, data: Uint8Array): Decoded | undefined {
  return decodeAt(kind, data, 0);
}

/** The values of a field, none where it is not set. */
export function valuesOf(message: Decoded, field: string): Value[] {
  return message.fields.find((entry) => entry.name === field)?.values ?? [];
}

/** The messages of a field. */
export function messagesOf(message: Decoded, field: string): Decoded[] {
  return valuesOf(message, field).flatMap((value) => (value.type === "message" ? [value.message] : []));
}

/** The first text, id or name of an enum of a field; empty where it is not set. */
export function textOf(message: Decoded, field: string): string {
  const value = valuesOf(message, field)[0];
  if (value?.type === "text") return value.text;
  if (value?.type === "bytes") return value.hex;
  return value?.type === "enum" ? value.name : "";
}

/** The first number of a field; 0 where it is not set. */
export function numberOf(message: Decoded, field: string): bigint {
  const value = valuesOf(message, field)[0];
  return value?.type === "number" ? value.number : 0n;
}

function decodeAt(kind: string, data: Uint8Array, depth: number): Decoded | undefined {
  const desc = registry.getMessage(kPackage + kind);
  if (desc === undefined || depth > kMaxDepth) return undefined;
  try {
    return tree(desc, reflect(desc, fromBinary(desc, data)), depth);
  } catch {
    return undefined;
  }
}

function tree(desc: DescMessage, message: ReflectMessage, depth: number): Decoded {
  const fields: Field[] = [];
  for (const field of desc.fields) {
    if (!message.isSet(field)) continue;
    const values = read(field, message, depth);
    if (values.length > 0) fields.push({ name: field.name, repeated: field.fieldKind === "list", values });
  }
  return { kind: desc.name, fields };
}

function read(field: DescField, message: ReflectMessage, depth: number): Value[] {
  if (field.fieldKind === "map") return [];
  if (field.fieldKind !== "list") return [valueOf(field, message.get(field), message, depth)];
  return Array.from(message.get(field), (item) => valueOf(field, item, message, depth));
}

function valueOf(field: DescField, value: unknown, parent: ReflectMessage, depth: number): Value {
  if (isReflected(value)) return { type: "message", message: tree(value.desc, value, depth + 1) };
  if (value instanceof Uint8Array) return nested(field, value, parent, depth);
  if (typeof value === "string") return { type: "text", text: value };
  if (typeof value === "boolean") return { type: "flag", flag: value };
  if (field.enum !== undefined) {
    return { type: "enum", name: field.enum.value[Number(value)]?.name ?? String(value) };
  }
  return { type: "number", number: BigInt(value as number | bigint) };
}

function nested(field: DescField, bytes: Uint8Array, parent: ReflectMessage, depth: number): Value {
  const path = `${field.parent.name}.${field.name}`;
  const kind = path === "Corrected.content" ? contentKind(parent) : kNested[path];
  const message = kind === undefined ? undefined : decodeAt(kind, bytes, depth + 1);
  return message === undefined ? { type: "bytes", hex: toHex(bytes) } : { type: "message", message };
}

function contentKind(corrected: ReflectMessage): string | undefined {
  const kind = (corrected.message as Message & { contentKind?: unknown }).contentKind;
  return typeof kind === "string" ? kind : undefined;
}

function isReflected(value: unknown): value is ReflectMessage {
  return typeof value === "object" && value !== null && "desc" in value && "isSet" in value;
}
