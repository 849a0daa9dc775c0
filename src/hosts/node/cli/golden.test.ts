import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeFloats } from '../../../base/lib/floats.ts';
import { openSafetensors } from '../../../content/formats/safetensors.ts';
import { nodeSource } from '../../../base/storage/nodeFolder.ts';
import { filesIn, readJsonLines, scratchFolder, succeed } from '../../../testing/cli.ts';
import { goldenPath, modelPath } from '../../../testing/fixtures.ts';
import { allRuns, goldenRecipe, needRun, readGolden, type Golden } from '../../../testing/golden.ts';

const scratch = scratchFolder();

/** Writes rows as pre-tokenized JSONL; the file's path. */
function writeRows(name: string, rows: readonly { input_ids: number[]; labels: number[] }[]): string {
  const path = join(scratch, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

function writeProbe(run: string, { probe }: Golden): string {
  const rows = probe.input_ids.map((ids, i) => ({ input_ids: ids, labels: probe.labels[i]! }));
  return writeRows(`${run}.probe.jsonl`, rows);
}

const modelOf = ({ model }: Golden) => modelPath(model);

/** The model as the run had it: one in 4 bits is quantized first. */
async function trainedModel(run: string, golden: Golden): Promise<string> {
  if (golden.quant !== 'nf4') return modelOf(golden);
  const out = join(scratch, `${run}.quantized`);
  const files = ['--model', modelOf(golden), '--out', out];
  if (!existsSync(out)) await succeed(['quantize', ...files, '--format', 'nf4']);
  return out;
}

async function evaluate(args: string[]): Promise<{ loss: number; tokens: number }> {
  return JSON.parse(await succeed(['eval', ...args])) as { loss: number; tokens: number };
}

/** Every tensor of a safetensors file, in f32. */
async function tensorsOf(path: string) {
  const file = await openSafetensors(await nodeSource(path));
  const tensors = new Map<string, { dtype: string; shape: number[]; values: Float32Array }>();
  for (const [name, { dtype, shape }] of file.tensors) {
    tensors.set(name, { dtype, shape, values: decodeFloats(await file.read(name), dtype) });
  }
  return tensors;
}

const largest = (values: Float32Array) => values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);

describe('train', () => {
  it.each([
    ['tiny-qwen3-lora', {}],
    ['tiny-llama3-qlora', { method: 'qlora', quant: 'nf4' }],
  ])('follows the reference run %s step by step, to the same adapter', async (run, settings) => {
    const golden = readGolden(run);
    const recipePath = join(scratch, `${run}.recipe.json`);
    writeFileSync(recipePath, JSON.stringify({ ...goldenRecipe(golden), ...settings }));
    const out = join(scratch, run);
    const model = modelOf(golden);
    const data = writeRows(`${run}.jsonl`, golden.batches.flat(2));
    const start = ['--init-adapter', goldenPath(run, 'init_adapter'), '--recipe', recipePath];
    expect(await succeed(['train', '--model', model, '--data', data, '--out', out, ...start])).toBe('');

    expect(filesIn(out)).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'metrics.jsonl',
      'recipe.json',
      'training.json',
    ]);
    const metrics = readJsonLines<Record<string, number>>(join(out, 'metrics.jsonl'));
    expect(metrics).toHaveLength(golden.steps);
    let lossError = 0;
    let normError = 0;
    for (const [i, wanted] of golden.trace.entries()) {
      const { step, loss, grad_norm: norm, lr, tokens, ...rest } = metrics[i]!;
      expect(rest).toEqual({});
      expect({ step, tokens }).toEqual({ step: i + 1, tokens: wanted.tokens });
      expect(lr).toBeCloseTo(wanted.lr, 12);
      lossError = Math.max(lossError, Math.abs(loss! / wanted.loss - 1));
      normError = Math.max(normError, Math.abs(norm! / wanted.grad_norm - 1));
    }
    expect(lossError).toBeLessThan(1e-4);
    expect(normError).toBeLessThan(1e-3);

    const probe = [
      '--model',
      await trainedModel(run, golden),
      '--data',
      writeProbe(run, golden),
      '--adapter',
    ];
    const trained = await evaluate([...probe, out]);
    const final = await evaluate([...probe, goldenPath(run, 'final_adapter')]);
    expect(trained.tokens).toBe(final.tokens);
    const evalError = Math.abs(trained.loss / final.loss - 1);
    expect(evalError).toBeLessThan(1e-4);
    const told = [lossError, normError, evalError].map((error) => error.toExponential(1));
    console.info(`${run}: loss ${told[0]}, grad norm ${told[1]}, eval ${told[2]}`);
  });
});

describe.each(allRuns)('%s', (run) => {
  it('eval gives the loss and the logits of the probe', async (context) => {
    needRun(context, run);
    const golden = readGolden(run);
    const logitsPath = join(scratch, `${run}.logits.safetensors`);
    const { loss, tokens } = await evaluate([
      '--model',
      await trainedModel(run, golden),
      '--data',
      writeProbe(run, golden),
      '--adapter',
      goldenPath(run, 'probe_adapter'),
      '--logits',
      logitsPath,
    ]);
    expect(tokens).toBe(golden.probe.tokens);
    const lossError = Math.abs(loss / golden.probe.loss - 1);
    expect(lossError).toBeLessThan(1e-5);

    const actual = (await tensorsOf(logitsPath)).get('logits')!;
    const reference = goldenPath(run, 'probe_logits.safetensors');
    const expected = (await tensorsOf(reference)).get('logits')!;
    expect(actual.dtype).toBe('F32');
    expect(actual.shape).toEqual(expected.shape);
    const [, padded, vocab] = expected.shape as [number, number, number];
    let logitError = 0;
    golden.probe.input_ids.forEach((ids, row) => {
      const [start, end] = [row * padded * vocab, (row * padded + ids.length) * vocab];
      const wanted = expected.values.subarray(start, end);
      const difference = actual.values.subarray(start, end).map((v, i) => v - wanted[i]!);
      logitError = Math.max(logitError, largest(difference) / largest(wanted));
      // What lies beyond a row's end is zero, not what the reference made of its padding.
      expect(largest(actual.values.subarray(end, (row + 1) * padded * vocab))).toBe(0);
    });
    expect(logitError).toBeLessThan(1e-4);
    console.info(`${run}: probe loss ${lossError.toExponential(1)}, logits ${logitError.toExponential(1)}`);
  });

  it('merge gives the reference’s file within one rounding, and proves it', async (context) => {
    needRun(context, run);
    const golden = readGolden(run);
    const out = join(scratch, `${run}.merged`);
    const adapter = ['--adapter', goldenPath(run, 'final_adapter')];
    const printed = await succeed(['merge', '--model', modelOf(golden), ...adapter, '--out', out]);
    const { files, proof } = JSON.parse(printed) as { files: { name: string }[]; proof: { tensors: number } };
    expect(files.map(({ name }) => name).sort()).toEqual(filesIn(out));

    const merged = await tensorsOf(join(out, 'model.safetensors'));
    const reference = await tensorsOf(goldenPath(run, 'merged.safetensors'));
    expect(proof.tensors).toBe(merged.size);
    // What the reference leaves out is as the base has it, which the merge itself has proved.
    for (const [name, wanted] of reference) {
      const { dtype, shape, values } = merged.get(name)!;
      expect({ dtype, shape }).toEqual({ dtype: wanted.dtype, shape: wanted.shape });
      // The distance of neighbours, and of the f32 sums where W and its update cancel.
      const step = dtype === 'BF16' ? 2 ** -7 : 2 ** -23;
      const sums = 2 ** -23 * largest(wanted.values);
      const wrong = values.findIndex((v, i) => {
        const w = wanted.values[i]!;
        return !(Math.abs(v - w) <= step * Math.abs(w) + sums);
      });
      expect(wrong, `${name}[${wrong}]: ${values[wrong]}, not ${wanted.values[wrong]}`).toBe(-1);
    }
  });
});
