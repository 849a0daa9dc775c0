// Mutated safetensors files as Graft reads them: a JSON line each, with the file in base64, and its tensors or null.
import { bytesSource } from '../../src/base/storage/byteSource.ts';
import { GraftError } from '../../src/base/lib/errors.ts';
import { openSafetensors } from '../../src/content/formats/safetensors.ts';
import { inputOf } from '../../src/lab/fuzz/fuzz.ts';
import { targets } from '../../src/lab/fuzz/targets.ts';

const [seed, count] = process.argv.slice(2).map(Number);
const target = targets.find(({ name }) => name === 'safetensors')!;
// Short ones alone: the rest adds bytes, not cases.
const seeds = (await target.seeds()).filter(({ length }) => length < 2000);
const lines: string[] = [];
for (let index = 0; index < count!; index++) {
  const input = inputOf(target, seeds, seed!, index);
  if (input.length > 100_000) continue;
  let tensors: Record<string, [dtype: string, shape: number[]]> | null = null;
  let error = '';
  try {
    const file = await openSafetensors(bytesSource('w', input));
    tensors = Object.fromEntries([...file.tensors].map(([name, { dtype, shape }]) => [name, [dtype, shape]]));
  } catch (thrown) {
    if (!(thrown instanceof GraftError)) throw thrown;
    error = thrown.code;
  }
  lines.push(JSON.stringify({ index, file: Buffer.from(input).toString('base64'), tensors, error }));
}
process.stdout.write(lines.join('\n'));
