// The logits that `graft eval --logits` writes.
import { readFileSync } from 'node:fs';

/** The only tensor, in float32, of a safetensors file. */
export function readLogits(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const [{ shape }] = Object.values(JSON.parse(bytes.toString('utf8', 8, start))).filter(
    ({ shape }) => shape,
  );
  return {
    shape,
    values: new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)),
  };
}
