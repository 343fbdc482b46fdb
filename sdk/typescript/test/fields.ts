/** The length-delimited fields `number` of a protobuf message, as bytes. */
export function fields(message: Uint8Array, number: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const size = varint();
    if ((tag & 7) !== 2) continue; // the varint was the value
    if (tag >> 3 === number) out.push(message.slice(at, at + size));
    at += size;
  }
  return out;
}
