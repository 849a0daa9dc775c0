import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DtypeComparison } from '../../../session/compareDtypes.ts';
import { fail, scratchFolder, succeed } from '../../../testing/cli.ts';
import { goldenPath, starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const adapter = goldenPath('starter-lora', 'final_adapter');
const data = join(scratch, 'rows.jsonl');
writeFileSync(data, '{"prompt": "Who is Zip?", "completion": "Zip is a robot."}\n');

const to = (out: string) => ['--model', starter, '--adapter', adapter, '--out', join(scratch, out)];
const lossOf = async (...model: string[]) => {
  const output = await succeed(['eval', ...model, '--data', data]);
  return JSON.parse(output) as { loss: number; merged?: DtypeComparison };
};

it('merges into the dtype that is asked for, with the loss that eval measured beforehand', async () => {
  const { loss, merged } = await lossOf('--model', starter, '--adapter', adapter, '--compare-dtypes');
  const { unmerged, dtypes } = merged!;
  expect(unmerged.loss).toBeCloseTo(loss, 5);
  const found = new Map(dtypes.flatMap((one) => ('overflow' in one ? [] : [[one.dtype, one]])));
  expect([...found.keys()]).toEqual([null, 'F32', 'F16', 'BF16']);
  await succeed(['merge', ...to('merged'), '--dtype', 'f16']);
  expect((await lossOf('--model', join(scratch, 'merged'))).loss).toBeCloseTo(found.get('F16')!.loss, 5);
  await succeed(['export', ...to('exported'), '--format', 'safetensors', '--type', 'f16']);
  const weights = (out: string) => readFileSync(join(scratch, out, 'model.safetensors'));
  expect(weights('exported').equals(weights('merged'))).toBe(true);
  expect(weights('merged').byteLength).toBeGreaterThan(found.get('F16')!.bytes);
});

it('refuses quantized types for a folder, and a dtype for NF4', async () => {
  const asQ8 = ['export', ...to('none'), '--format', 'safetensors', '--type', 'q8_0'];
  expect(await fail(asQ8)).toContain('--type must be f32, f16 or bf16');
  const asNf4 = ['merge', ...to('none'), '--quantize', 'nf4', '--dtype', 'f16'];
  expect(await fail(asNf4)).toContain('--dtype requires --quantize none');
});
