import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import { sameBytes } from '../../base/storage/pieceJournal.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { mergeJob, type MergeChoices } from './mergeJob.ts';
import { journalFile } from './mergeJournal.ts';
import { mergeModel } from './mergeModel.ts';
import { mergeProved } from './mergeProved.ts';
import { verifyMerge } from './verifyMerge.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const config = { hidden_size: 64, intermediate_size: 512, vocab_size: 512, num_hidden_layers: 2 };
const files = { 'tokenizer.json': '{}', LICENSE: 'MIT' };
const options = { maxShardBytes: 150_000 };

async function job(choices: Partial<MergeChoices> = {}, edit = {}) {
  const base = await openModelFiles(tinyModel({ config, dtype: 'BF16', files, ...edit }));
  return mergeJob(base, randomPeft(base, { targets: ['q_proj', 'up_proj', 'down_proj'] }), choices);
}

function shardsOf({ files: present }: MemoryDirectory): string[] {
  return [...present.keys()].filter((name) => name.endsWith('.safetensors')).sort();
}

/** Simulates a killed process: what was written before remains. */
class Killed extends Error {}

/** A directory that fails after so many bytes of weights, leaving its files open. */
function dyingAfter(folder: MemoryDirectory, bytes: number): MemoryDirectory {
  let left = bytes;
  const dying = Object.create(folder) as MemoryDirectory;
  dying.edit = async (file) => {
    const opened = await folder.edit(file);
    const write = async (at: number, some: Uint8Array<ArrayBuffer>) => {
      if (left < some.byteLength) {
        // A torn write.
        await opened.write(at, some.slice(0, left));
        throw new Killed();
      }
      left -= some.byteLength;
      await opened.write(at, some);
    };
    return { ...opened, write };
  };
  return dying;
}

async function mergeIn(pieces: readonly number[], choices: Partial<MergeChoices> = {}) {
  const task = await job(choices);
  const folder = new MemoryDirectory('merged');
  for (const bytes of pieces) {
    const error = await caught(() => mergeModel(gpu, task, dyingAfter(folder, bytes), options));
    expect(error).toBeInstanceOf(Killed);
    expect(await caught(() => openModelFiles(folder))).toBeInstanceOf(GraftError);
  }
  const kept: number[] = [];
  await mergeModel(gpu, task, folder, { ...options, onContinue: (bytes) => kept.push(bytes) });
  return { folder, kept, task };
}

describe('a merge that is restarted', () => {
  it.each<[string, Partial<MergeChoices>]>([
    ['in floats', {}],
    ['onto nested 4 bits', { onto: 'dequantized', trainedDoubleQuant: true }],
    ['to nested NF4', { quantize: { doubleQuant: true } }],
  ])('%s has the same bytes wherever it was interrupted', async (_, choices) => {
    const whole = await mergeIn([], choices);
    expect(whole.kept).toEqual([]);
    expect(whole.folder.files.has(journalFile)).toBe(false);
    for (const cuts of [[1], [30_000], [70_001, 90_000], [140_000], [160_000, 40_000, 1]]) {
      const { folder, kept } = await mergeIn(cuts, choices);
      expect([...folder.files.keys()].sort()).toEqual([...whole.folder.files.keys()].sort());
      for (const [name, bytes] of whole.folder.files) {
        expect(sameBytes(folder.files.get(name)!, bytes), `${cuts.join()}: ${name}`).toBe(true);
      }
      expect(kept.length).toBe(cuts.some((cut) => cut > 66_000) ? 1 : 0);
      if (kept.length > 0) expect(kept[0]).toBeGreaterThan(Math.max(...cuts) - 82_000);
    }
  });

  it('recomputes what the disk lost or changed', async () => {
    const { folder: whole, task } = await mergeIn([]);
    const shard = shardsOf(whole)[0]!;
    for (const spoil of [0, 20_000, 100_000]) {
      const folder = new MemoryDirectory('merged');
      await caught(() => mergeModel(gpu, task, dyingAfter(folder, 120_000), options));
      const bytes = folder.files.get(shard)!;
      bytes[bytes.byteLength > spoil ? spoil + 4096 : 4096]! ^= 0x10;
      await mergeModel(gpu, task, folder, options);
      expect(sameBytes(folder.files.get(shard)!, whole.files.get(shard)!)).toBe(true);
    }
  });

  it.each([1, 31, 32, 95])('goes on with a journal whose last %i bytes were not written', async (lost) => {
    const { folder: whole, task } = await mergeIn([]);
    const folder = new MemoryDirectory('merged');
    await caught(() => mergeModel(gpu, task, dyingAfter(folder, 120_000), options));
    folder.files.set(journalFile, folder.files.get(journalFile)!.slice(0, -lost));
    await mergeModel(gpu, task, folder, options);
    expect([...folder.files.keys()].sort()).toEqual([...whole.files.keys()].sort());
    for (const [name, bytes] of whole.files) expect(sameBytes(folder.files.get(name)!, bytes)).toBe(true);
  });

  it('starts over for another base, adapter or setting, and removes what was there', async () => {
    const others = [
      await job({}, { dtype: 'F16' }),
      await job({ quantize: { doubleQuant: false } }),
      { ...(await job()), adapter: randomPeft((await job()).base, {}, { seed: 6 }) },
    ];
    for (const other of others) {
      const folder = new MemoryDirectory('merged', { 'notes.txt': 'mine' });
      await caught(async () => mergeModel(gpu, await job(), dyingAfter(folder, 120_000), options));
      expect(folder.files.has(journalFile)).toBe(true);
      const kept: number[] = [];
      await mergeModel(gpu, other, folder, { maxShardBytes: 1e9, onContinue: (bytes) => kept.push(bytes) });
      expect(kept).toEqual([]);
      const names = ['config.json', 'model.safetensors', 'notes.txt', ...Object.keys(files)];
      expect([...folder.files.keys()].sort()).toEqual(names.sort());
      await verifyMerge(gpu, other, folder);
    }
  });

  it('treats a truncated journal as none', async () => {
    const folder = new MemoryDirectory('merged', { [journalFile]: 'graftmj1…' });
    await mergeModel(gpu, await job(), folder, options);
    expect(folder.files.has(journalFile)).toBe(false);
  });
});

describe('mergeProved', () => {
  it('is no model before it is verified, and removed if it fails', async () => {
    const task = await job();
    const folder = new MemoryDirectory('merged', { 'notes.txt': 'mine' });
    let seen = 0;
    const onProving = () => {
      expect(folder.files.has('config.json')).toBe(false);
      seen += 1;
      const shard = folder.files.get(shardsOf(folder).at(-1)!)!;
      if (seen === 2) shard[shard.byteLength - 1]! ^= 1;
    };
    await expectGraftError(
      () => mergeProved(gpu, task, folder, { ...options, onProving }),
      'merge.proof_failed',
    );
    expect(seen).toBeGreaterThan(3);
    expect([...folder.files.keys()]).toEqual(['notes.txt']);
    const { proof } = await mergeProved(gpu, task, folder, options);
    expect(proof.changedTensors).toBe(6);
    expect(folder.files.has('config.json')).toBe(true);
  });

  it('can be cancelled during the proof, also while logits are compared, and resumes from there', async () => {
    const task = await job();
    const total = task.base.checkpoint.totalBytes;
    for (const share of [0.1, 1]) {
      const folder = new MemoryDirectory('merged');
      const stop = new AbortController();
      const onProving = (done: number) => done >= share * total && stop.abort();
      const { signal } = stop;
      const cancelled = () => mergeProved(gpu, task, folder, { ...options, onProving, signal });
      await expectGraftError(cancelled, 'merge.cancelled');
      expect(await caught(() => openModelFiles(folder))).toBeInstanceOf(GraftError);
      const kept: number[] = [];
      await mergeProved(gpu, task, folder, { ...options, onContinue: (bytes) => kept.push(bytes) });
      expect(kept).toEqual([total]);
    }
  });
});
