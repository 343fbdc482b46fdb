// Canonical protobuf, read (docs/protocol.md, "Encoding"). What decode() accepts has one encoding only, so that nothing
// has to be written again and compared.
import { fromUtf8 } from "./bytes.js";

export type Scalar = "uint32" | "uint64" | "enum" | "bool" | "bytes" | "string";

export interface Message<F extends Fields = Fields> {
  fields: F;
}
export interface List<T extends Scalar | Message = Scalar | Message> {
  of: T;
}
/** Number and type. In a oneof a scalar may be present with its default, and one field of the oneof stands at most. */
export type Field = readonly [number: number, type: Scalar | Message | List, oneof?: "oneof"];
export type Fields = Readonly<Record<string, Field>>;

type ScalarValue<T> = T extends "uint32" | "enum"
  ? number
  : T extends "uint64"
    ? bigint
    : T extends "bool"
      ? boolean
      : T extends "bytes"
        ? Uint8Array
        : string;
type ElementValue<T> = T extends Message<infer F> ? Decoded<F> : ScalarValue<T>;
type FieldValue<F> = F extends readonly [number, infer T, "oneof"]
  ? ElementValue<T> | undefined
  : F extends readonly [number, infer T]
    ? T extends List<infer E>
      ? ElementValue<E>[]
      : T extends Message
        ? ElementValue<T> | undefined
        : ScalarValue<T>
    : never;
export type Decoded<F extends Fields> = { [K in keyof F]: FieldValue<F[K]> };
/** What a message decodes to. */
export type Of<M> = M extends Message<infer F> ? Decoded<F> : never;

export function message<const F extends Fields>(fields: F): Message<F> {
  return { fields };
}
export function list<const T extends Scalar | Message>(of: T): List<T> {
  return { of };
}

/** Bytes that are no canonical message of the type asked for. */
export class WireError extends Error {}

const VARINT = 0;
const DELIMITED = 2;
const DEFAULTS = { uint32: 0, uint64: 0n, enum: 0, bool: false, bytes: new Uint8Array(), string: "" };

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** The shortest form, within 64 bits. */
  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < 10; ++i) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new WireError("cut short");
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte >= 0x80) continue;
      if ((i > 0 && byte === 0) || value >= 1n << 64n) break;
      return value;
    }
    throw new WireError("not the shortest varint");
  }

  delimited(): Uint8Array {
    const size = this.varint();
    if (size > BigInt(this.bytes.length - this.at)) throw new WireError("cut short");
    return this.bytes.subarray(this.at, (this.at += Number(size)));
  }
}

function readNumber(type: Scalar, name: string, raw: bigint): number | bigint | boolean {
  if (type === "uint64") return raw;
  if (type === "bool" && raw <= 1n) return raw === 1n;
  if (type === "uint32" && raw < 1n << 32n) return Number(raw);
  const signed = BigInt.asIntN(32, raw);
  if (type === "enum" && BigInt.asUintN(64, signed) === raw) return Number(signed);
  throw new WireError(`${name}: ${raw} is no ${type}`);
}

function readText(name: string, bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new WireError(`${name} is not UTF-8`);
  }
}

function readValue(type: Scalar | Message, name: string, wireType: number, mayBeDefault: boolean, reader: Reader) {
  const isNumber = typeof type === "string" && type !== "bytes" && type !== "string";
  if (wireType !== (isNumber ? VARINT : DELIMITED)) throw new WireError(`${name} has wire type ${wireType}`);
  if (isNumber) {
    const raw = reader.varint();
    if (raw === 0n && !mayBeDefault) throw new WireError(`${name} is written with its default value`);
    return readNumber(type, name, raw);
  }
  const bytes = reader.delimited();
  if (typeof type === "object") return decode(type, bytes);
  if (bytes.length === 0 && !mayBeDefault) throw new WireError(`${name} is present and empty`);
  return type === "bytes" ? bytes : readText(name, bytes);
}

/** A message with nothing in it. */
function empty(fields: Fields): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, [, type, oneof]] of Object.entries(fields)) {
    if (typeof type === "string") out[name] = oneof ? undefined : DEFAULTS[type];
    else out[name] = "of" in type ? [] : undefined;
  }
  return out;
}

/** Throws WireError. The `bytes` fields of what it returns are views of `bytes`. */
export function decode<F extends Fields>(type: Message<F>, bytes: Uint8Array): Decoded<F> {
  const byNumber = new Map(Object.entries(type.fields).map(([name, field]) => [BigInt(field[0]), { name, field }]));
  const out = empty(type.fields);
  const reader = new Reader(bytes);
  let last = 0n;
  let oneofSeen = false;
  while (!reader.done) {
    const tag = reader.varint();
    const number = tag >> 3n;
    const known = byNumber.get(number);
    if (known === undefined) throw new WireError(`unknown field ${number}`);
    const [, fieldType, oneof] = known.field;
    const isList = typeof fieldType === "object" && "of" in fieldType;
    if (number < last || (number === last && !isList)) throw new WireError(`${known.name} is out of order or twice`);
    last = number;
    if (oneof && oneofSeen) throw new WireError(`${known.name} beside another of its oneof`);
    oneofSeen ||= oneof !== undefined;
    const element = isList ? fieldType.of : fieldType;
    const value = readValue(element, known.name, Number(tag & 7n), isList || oneof !== undefined, reader);
    if (isList) (out[known.name] as unknown[]).push(value);
    else out[known.name] = value;
  }
  return out as Decoded<F>;
}

/** `value`, or where it is absent the message with nothing in it, as protobuf reads it. */
export function orEmpty<F extends Fields>(type: Message<F>, value: Decoded<F> | undefined): Decoded<F> {
  return value ?? (empty(type.fields) as Decoded<F>);
}
