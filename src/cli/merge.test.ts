import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../formats/safetensorsWriter.ts';
import { createRandom } from '../lib/random.ts';
import { parseConfig } from '../model/config.ts';
import { tensorsOf } from '../model/spec.ts';
import { fail, filesIn, runCli, scratchFolder, succeed } from '../testing/cli.ts';
import { servedFolder } from '../testing/hub.ts';
import { HubServer } from '../testing/hubServer.ts';

const scratch = scratchFolder();
const root = fileURLToPath(new URL('../../', import.meta.url));
const [model, adapter] = [join(scratch, 'model'), join(scratch, 'adapter')];
const journal = 'graft-merge.unfinished';
/** 25 MB in 60 pieces of 1 MB or less: long enough to be killed in the middle. */
const config = {
  ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_size: 256, intermediate_size: 1024 },
  ...{ num_hidden_layers: 6, num_attention_heads: 4, num_key_value_heads: 4, vocab_size: 4096 },
  ...{ max_position_embeddings: 64, rms_norm_eps: 1e-6, rope_theta: 10000, tie_word_embeddings: true },
};
let server: HubServer;

beforeAll(async () => {
  server = await HubServer.start();
  const random = createRandom(3);
  const f32 = (count: number) => {
    const values = Float32Array.from({ length: count }, () => 0.1 * (random.next() - 0.5));
    return new Uint8Array(values.buffer);
  };
  const write = (
    folder: string,
    file: string,
    tensors: Iterable<{ name: string; shape: readonly number[] }>,
  ) =>
    writeFileSync(
      join(folder, file),
      encodeSafetensors(
        [...tensors].map(({ name, shape }) => {
          const bytes = f32(shape.reduce((product, n) => product * n, 1));
          return { name, shape, dtype: 'F32', bytes };
        }),
      ),
    );
  mkdirSync(model);
  mkdirSync(adapter);
  writeFileSync(join(model, 'config.json'), JSON.stringify(config));
  write(model, 'model.safetensors', tensorsOf(parseConfig(config)));
  const settings = { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['up_proj'], bias: 'none' };
  writeFileSync(join(adapter, 'adapter_config.json'), JSON.stringify(settings));
  const factors = Array.from({ length: 6 }, (_, layer) => {
    const name = `base_model.model.model.layers.${layer}.mlp.up_proj`;
    return [
      { name: `${name}.lora_A.weight`, shape: [4, 256] },
      { name: `${name}.lora_B.weight`, shape: [1024, 4] },
    ];
  });
  write(adapter, 'adapter_model.safetensors', factors.flat());
  server.models.set('org/name', servedFolder(model));
});
afterAll(() => server.stop());

const merge = (source: string, out: string, ...more: string[]) => [
  ...['merge', '--model', source, '--adapter', adapter, '--out', out, ...more],
];
const hashes = (folder: string) =>
  filesIn(folder).map((file) => [
    file,
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex'),
  ]);

/** Runs a merge and kills it as a power cut would, once the journal, zeros at first, holds so many others. */
async function killed(args: string[], out: string, noted: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { cwd: root });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const timer = setInterval(() => {
    const file = join(out, journal);
    if (existsSync(file) && readFileSync(file).filter(Boolean).length > noted) child.kill('SIGKILL');
  }, 1);
  await ended;
  clearInterval(timer);
}

describe('a merge that was killed', () => {
  it('is no model, and goes on where it was when it is started again', async () => {
    const whole = join(scratch, 'whole');
    await succeed(merge(model, whole));
    const out = join(scratch, 'killed');
    await killed(merge(model, out), out, 1000);
    expect(readdirSync(out)).toContain(journal);
    expect(readdirSync(out)).not.toContain('config.json');
    const unfinished = await fail(['generate', '--model', out, '--prompt', 'a', '--max-new-tokens', '1']);
    expect(unfinished).toMatch('config.json');
    const { status, stderr } = await runCli(merge(model, out));
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/^Going on with [\d.]+ [kM]B of an unfinished merge\.\n$/);
    expect(hashes(out)).toEqual(hashes(whole));
  });

  it('is not gone on with for another job: what it left is removed', async () => {
    const out = join(scratch, 'other');
    await killed(merge(model, out), out, 500);
    const { status, stderr } = await runCli(merge(model, out, '--max-shard-size', '10MB'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(filesIn(out)).not.toContain('model.safetensors');
    expect(filesIn(out)).not.toContain(journal);
  });
});

describe('a model of a Hub that is not downloaded', () => {
  const cuts = [100_000, 5_000_000, 9_000_001];

  it('is read once, through cut connections, and merged to the same bytes', async () => {
    const whole = join(scratch, 'downloaded');
    const env = { GRAFT_CACHE: join(scratch, 'cache'), HF_TOKEN: '' };
    await succeed(merge(model, whole));
    const out = join(scratch, 'streamed');
    let cut = 0;
    server.script = ({ place }) =>
      place === 'files' && cut < cuts.length ? { kind: 'cut', after: cuts[cut++]! } : undefined;
    const options = ['--no-download', '--endpoint', server.endpoint];
    const { status, stdout, stderr } = await runCli(merge('hf:org/name', out, ...options), env);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(cut).toBe(cuts.length);
    expect(JSON.parse(stdout)).toMatchObject({
      proof: { changedTensors: 6, proof: 'read back, rows in f64' },
    });
    expect(hashes(out)).toEqual(hashes(whole));
    expect(filesIn(env.GRAFT_CACHE)).toEqual([]);
    // Read once, but for the rows of the proof and what was sent when a connection broke.
    const size = statSync(join(model, 'model.safetensors')).size;
    const [, received] = /read ([\d.]+) MB/.exec(stderr) ?? [];
    expect(Number(received)).toBeGreaterThan(size / 1e6);
    expect(Number(received)).toBeLessThan((1.1 * size) / 1e6);
  });

  it('needs a model of a Hub', async () => {
    expect(await fail(merge(model, join(scratch, 'none'), '--no-download'))).toMatch(
      '--no-download belongs to',
    );
  });
});
