import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSafetensors } from '../../../content/formats/safetensorsWriter.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { parseConfig } from '../../../engine/model/spec/config.ts';
import { tensorsOf } from '../../../engine/model/spec/spec.ts';
import {
  changesIn,
  fail,
  filesIn,
  killAtChange,
  runCli,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { servedFolder } from '../../../testing/hub.ts';
import { HubServer } from '../../../testing/hubServer.ts';

const scratch = scratchFolder();
const [model, adapter] = [join(scratch, 'model'), join(scratch, 'adapter')];
const journal = 'graft-merge.unfinished';
const unfinished = /^Resuming an unfinished merge: [\d.]+ [kM]B are written\.\n$/;
/** 25 MB in 60 pieces of 1 MB or less. */
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 256,
  intermediate_size: 1024,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  vocab_size: 4096,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
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
  'merge',
  '--model',
  source,
  '--adapter',
  adapter,
  '--out',
  out,
  ...more,
];
const hashes = (folder: string) =>
  filesIn(folder).map((file) => [
    file,
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex'),
  ]);

const done = /^Already finished: read back and proved again, nothing was written\.\n$/;

describe('a merge that was killed', () => {
  let whole: string;
  let changes: string[];
  /** The number of a change, by what it is; those of the weights by how many go before it. */
  const changeOf = (what: string, skip = 0) => {
    const numbers = changes.flatMap((change, i) => (change.startsWith(what) ? [i + 1] : []));
    return numbers[skip]!;
  };
  beforeAll(async () => {
    whole = join(scratch, 'whole');
    changes = await changesIn(merge(model, whole), whole);
  });

  it('goes on where it was when it is started again, and a third start says that it is done', async () => {
    expect(changeOf(`write ${join(whole, 'model.safetensors')}`, 20)).toBeGreaterThan(20);
    expect(changes.slice(-3)).toEqual([
      `rename to ${join(whole, 'config.json')}`,
      `remove ${join(whole, journal)}`,
      `remove ${join(whole, '.graft-owner.lock')}`,
    ]);
    const result = JSON.parse(await succeed(merge(model, join(scratch, 'again')))) as object;
    const phases: [string, number, RegExp][] = [
      ['weights', changeOf(`write ${join(whole, 'model.safetensors')}`, 20), unfinished],
      ['config', changeOf(`write ${whole}/.config.json`), unfinished],
      ['end', changes.length - 2, done],
      ['report', changes.length - 1, done],
      ['lock', changes.length, done],
    ];
    for (const [phase, number, said] of phases) {
      const out = join(scratch, `killed-${phase}`);
      const killed = await killAtChange(merge(model, out), out, number);
      // The proof is told while the folder is still owned.
      expect({ ...killed, isTold: killed.stdout !== '' }, phase).toMatchObject({
        status: null,
        isTold: phase === 'lock',
      });
      expect(readdirSync(out).includes('config.json'), phase).toBe(said === done);
      const { status, stdout, stderr } = await runCli(merge(model, out));
      expect({ status, stderr }, phase).toMatchObject({ status: 0 });
      expect(stderr, phase).toMatch(said);
      expect(JSON.parse(stdout), phase).toEqual(result);
      expect(hashes(out), phase).toEqual(hashes(whole));
    }
    const third = await runCli(merge(model, join(scratch, 'killed-weights')));
    expect(third.stderr).toMatch(done);
    expect(JSON.parse(third.stdout)).toEqual(result);
    expect(hashes(join(scratch, 'killed-weights'))).toEqual(hashes(whole));
  });

  it('is not gone on with for another job: what it left is removed', async () => {
    const out = join(scratch, 'other');
    await killAtChange(merge(model, out), out, changeOf(`write ${join(whole, 'model.safetensors')}`, 9));
    expect(readdirSync(out)).toContain(journal);
    const noModel = await fail(['generate', '--model', out, '--prompt', 'a', '--max-new-tokens', '1']);
    expect(noModel).toMatch('config.json');
    const { status, stderr } = await runCli(merge(model, out, '--max-shard-size', '10MB'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(filesIn(out)).not.toContain('model.safetensors');
    expect(filesIn(out)).not.toContain(journal);
  });

  it('leaves its folder to no other job once it is done', async () => {
    const before = hashes(whole);
    const nf4 = await fail(merge(model, whole, '--quantize', 'nf4'));
    expect(nf4).toMatch(/^The folder “whole” already holds a model, and not the one that this merge makes: /);
    expect(await fail(['quantize', '--model', model, '--format', 'nf4', '--out', whole])).toMatch(
      /already holds a model/,
    );
    expect(hashes(whole)).toEqual(before);
    const mine = join(scratch, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'notes.txt'), 'mine');
    expect(await fail(merge(model, mine))).toMatch(/is not empty/);
  });
});

describe('quantize', () => {
  it('started again says that it is done', async () => {
    const out = join(scratch, 'nf4');
    const args = ['quantize', '--model', model, '--format', 'nf4', '--out', out];
    const first = await succeed(args);
    const second = await runCli(args);
    expect(second).toMatchObject({ status: 0, stdout: first });
    expect(second.stderr).toMatch(done);
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
    server.script = ({ origin }) =>
      origin === 'files' && cut < cuts.length ? { kind: 'cut', after: cuts[cut++]! } : undefined;
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
      '--no-download requires',
    );
  });
});
