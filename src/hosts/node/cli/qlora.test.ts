import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fail, filesIn, readJsonLines, scratchFolder, succeed } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeStarterInF32 } from '../../../testing/starterInF32.ts';

const scratch = scratchFolder();
/** In F32, in which a merge is rounded next to nothing. */
const model = await writeStarterInF32(scratch);
const at = (name: string) => join(scratch, name);

/** Trains on the robot stories into `name`; the mean loss of its last ten steps. */
async function train(name: string, extra: object): Promise<number> {
  const recipe = { rank: 8, alpha: 16, lr: 5e-3, max_steps: 60, batch_size: 2, eval_fraction: 0, ...extra };
  writeFileSync(at(`${name}.json`), JSON.stringify(recipe));
  const files = ['--model', model, '--data', robotStories, '--out', at(name)];
  await succeed(['train', ...files, '--recipe', at(`${name}.json`)]);
  const losses = readJsonLines<{ loss: number }>(join(at(name), 'metrics.jsonl')).map(({ loss }) => loss);
  return losses.slice(-10).reduce((sum, loss) => sum + loss / 10, 0);
}

async function merge(name: string, ...args: string[]) {
  const printed = await succeed(['merge', '--adapter', at('4bit'), '--out', at(name), ...args]);
  return JSON.parse(printed) as {
    files: { name: string }[];
    proof: Record<string, number | null>;
    losses?: { original: number | null; dequantized: number };
  };
}

async function answer(name: string): Promise<string> {
  const prompt = 'Tell a story about Zip and a red ball.';
  return succeed(['generate', '--model', at(name), '--prompt', prompt, '--max-new-tokens', '12']);
}

async function loss(name: string, ...args: string[]): Promise<number> {
  const printed = await succeed(['eval', '--model', at(name), '--data', at('rows.jsonl'), ...args]);
  return (JSON.parse(printed) as { loss: number }).loss;
}

const relative = (actual: number, expected: number) => Math.abs(actual / expected - 1);

describe('a model in 4 bits', () => {
  let [in16, in4] = [NaN, NaN];
  beforeAll(async () => {
    in16 = await train('16bit', {});
    in4 = await train('4bit', { method: 'qlora', double_quant: true });
    const rows = readFileSync(robotStories, 'utf8').split('\n').slice(0, 8);
    writeFileSync(at('rows.jsonl'), `${rows.join('\n')}\n`);
  });

  it('learns as it does in 16', () => {
    console.info(`robot stories: loss ${in16.toFixed(4)}, in 4 bits ${in4.toFixed(4)}`);
    expect(in16).toBeLessThan(0.2);
    expect(in4).toBeLessThan(in16 + 0.05);
  });

  it('is merged onto the original weights and still answers right; the losses of both choices are told', async () => {
    const { proof, losses } = await merge('original', '--model', model, '--data', at('rows.jsonl'));
    expect(await answer('original')).toMatch(/^Zip was a little robot/);
    expect(proof.quantizationLogitDifference).toBeNull();
    // Each is what the merge itself gives.
    await merge('dequantized', '--model', model, '--onto', 'dequantized');
    expect(await answer('dequantized')).toMatch(/^Zip was a little robot/);
    expect(relative(losses!.original!, await loss('original'))).toBeLessThan(1e-4);
    expect(relative(losses!.dequantized, await loss('dequantized'))).toBeLessThan(1e-4);
    console.info(
      `merged: loss ${losses!.original!.toFixed(4)}, dequantized ${losses!.dequantized.toFixed(4)}`,
    );
  });

  it('is quantized, and merged from there as if it had not been', async () => {
    const quantized = ['quantize', '--model', model, '--out', at('nf4'), '--format', 'nf4', '--double-quant'];
    const { proof } = JSON.parse(await succeed(quantized)) as { proof: Record<string, number> };
    expect(filesIn(at('nf4'))).toEqual(filesIn(model));
    expect(proof.maxLogitDifference).toBeLessThanOrEqual(proof.allowedLogitDifference!);
    // What the recipe beside the adapter says of the 4 bits is what --double-quant has made.
    const tuned = await loss('nf4', '--adapter', at('4bit'));
    const { losses } = await merge(
      'from-nf4',
      ...['--model', at('nf4'), '--onto', 'dequantized', '--data', at('rows.jsonl')],
    );
    expect(losses!.original).toBeNull();
    expect(relative(losses!.dequantized, tuned)).toBeLessThan(1e-6);
    expect(relative(await loss('dequantized'), tuned)).toBeLessThan(1e-4);
    for (const file of ['model.safetensors', 'tokenizer.json']) {
      const [here, there] = [at('from-nf4'), at('dequantized')].map((dir) => readFileSync(join(dir, file)));
      expect(here!.equals(there!), file).toBe(true);
    }
  });

  it('is merged into NF4, in shards', async () => {
    const options = ['--model', model, '--quantize', 'nf4', '--max-shard-size', '100KB'];
    const { files, proof } = await merge('to-nf4', ...options);
    expect(files.map(({ name }) => name).sort()).toEqual(filesIn(at('to-nf4')));
    expect(filesIn(at('to-nf4'))).toContain('model.safetensors.index.json');
    expect(proof.quantizationLogitDifference).toBeGreaterThan(proof.maxLogitDifference!);
    expect(await loss('to-nf4')).toBeLessThan(1.5);
  });

  it('says what cannot be', async () => {
    const adapter = ['--adapter', at('4bit'), '--out', at('none')];
    expect(await fail(['merge', '--model', at('nf4'), ...adapter])).toBe(
      'The model is quantized (bitsandbytes) and does not contain the original weights. ' +
        'Use the original 16-bit model, or merge onto the dequantized weights (--onto dequantized).',
    );
    const again = ['quantize', '--model', at('nf4'), '--out', at('none')];
    expect(await fail([...again, '--format', 'nf4'])).toBe(
      'The model is already quantized (bitsandbytes). Use the original 16-bit model.',
    );
    expect(await fail(again)).toMatch('Option --format is required.');
    expect(await fail([...again, '--format', 'gptq'])).toMatch('must be nf4, not “gptq”.');
    const merged = ['merge', '--model', model, ...adapter];
    expect(await fail([...merged, '--quantize', 'int4'])).toMatch('must be none or nf4, not “int4”.');
    expect(await fail([...merged, '--onto', 'both'])).toMatch('must be original or dequantized, not “both”.');
    expect(await fail([...merged, '--double-quant'])).toMatch('--double-quant requires --quantize');
    expect(filesIn(at('none'))).toEqual([]);
  });
});
