import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { dyingDirectory, Killed } from '../../testing/dyingDirectory.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { mergeJob, type MergeChoices, type MergeJob } from './mergeJob.ts';
import { journalFile } from './mergeJournal.ts';
import { mergeProved, mergeReadBack } from './mergeProved.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const config = { hidden_size: 32, intermediate_size: 64, vocab_size: 64, num_hidden_layers: 1 };
const files = { 'tokenizer.json': '{}', LICENSE: 'MIT' };
const options = { maxShardBytes: 12_000 };

async function job(choices: Partial<MergeChoices> = {}, seed = 5): Promise<MergeJob> {
  const base = await openModelFiles(tinyModel({ config, dtype: 'BF16', files }));
  return mergeJob(base, randomPeft(base, { targets: ['q_proj', 'down_proj'] }, { seed }), choices);
}

/** The folder for a start that dies in the change of that number. */
const dying = (folder: MemoryDirectory, at: number) => dyingDirectory(folder, at).folder;
/** The folder for a start that is to change nothing. */
const untouched = (folder: MemoryDirectory) => dying(folder, 0);

describe('a merge that is finished', () => {
  it('is found after a kill at every change of the folder, and a third start says so', async () => {
    const task = await job();
    const whole = new MemoryDirectory('merged');
    const { folder: counted, changes } = dyingDirectory(whole, Infinity);
    const first = await mergeProved(gpu, task, counted, options);
    expect(first.alreadyFinished).toBe(false);
    expect(changes.at(-2)).toBe('create config.json');
    expect(changes.at(-1)).toBe(`remove ${journalFile}`);
    for (const [i, change] of changes.entries()) {
      const folder = new MemoryDirectory('merged');
      const killed = await caught(() => mergeProved(gpu, task, dying(folder, i + 1), options));
      expect(killed, change).toBeInstanceOf(Killed);
      const second = await mergeProved(gpu, task, folder, options);
      // From config.json on, it is done.
      expect(second.alreadyFinished, change).toBe(change === `remove ${journalFile}`);
      expect(folder.files, change).toEqual(whole.files);
    }
    const third = await mergeProved(gpu, task, untouched(whole), options);
    expect(third).toMatchObject({ alreadyFinished: true, proof: first.proof });
    const byName = (list: typeof first.files) => list.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(byName(third.files)).toEqual(byName(first.files));
  });

  it.each<[string, Partial<MergeChoices>]>([
    ['onto nested 4 bits', { onto: 'dequantized', trainedDoubleQuant: true }],
    ['to NF4', { quantize: { doubleQuant: true } }],
    ['with a card', { card: '# A card\n' }],
  ])('is found %s too, and where its base is read once', async (_, choices) => {
    const task = await job(choices);
    const folder = new MemoryDirectory('merged', { 'notes.txt': 'mine' });
    const first = await mergeReadBack(gpu, task, folder, options);
    const again = await mergeReadBack(gpu, task, untouched(folder), options);
    expect(again).toMatchObject({ alreadyFinished: true, proof: first.proof });
    expect(await mergeProved(gpu, task, folder, options)).toMatchObject({ alreadyFinished: true });
  });

  it('is refused where another merge wants its folder, or where it was damaged, and nothing changes', async () => {
    const task = await job();
    const folder = new MemoryDirectory('merged');
    await mergeProved(gpu, task, folder, options);
    const refused = async (other: MergeJob, detail: string, place = folder, maxShardBytes = 12_000) => {
      const before = new Map(place.files);
      const start = () => mergeProved(gpu, other, place, { maxShardBytes });
      await expectGraftError(start, 'merge.other_model', { folder: 'merged', detail });
      expect(place.files).toEqual(before);
    };
    const otherAdapter = await job({}, 6);
    await refused(otherAdapter, 'row 0 of “model.layers.0.self_attn.q_proj.weight” is not W + scale · B · A');
    await refused(await job({ card: '# A card\n' }), 'the file “README.md” is missing');
    await refused(task, 'the file “model.safetensors” is missing', folder, 1e9);
    await refused(
      task,
      'the file “extra.safetensors” is not part of it',
      new MemoryDirectory('merged', { ...Object.fromEntries(folder.files), 'extra.safetensors': 'mine' }),
    );
    await refused(
      task,
      'the file “model-00001-of-00003.safetensors” is missing',
      new MemoryDirectory('merged', { 'config.json': '{}' }),
    );
    const shard = [...folder.files.keys()].find((name) => name.endsWith('.safetensors'))!;
    folder.files.get(shard)!.fill(0, -2);
    await expectGraftError(() => mergeProved(gpu, task, folder, options), 'merge.other_model');
  });

  it('whose journal is still there is refused to another merge, and mended where it was damaged', async () => {
    const task = await job();
    const { folder: counted, changes } = dyingDirectory(new MemoryDirectory('merged'), Infinity);
    await mergeProved(gpu, task, counted, options);
    const folder = new MemoryDirectory('merged');
    await caught(() => mergeProved(gpu, task, dying(folder, changes.length), options));
    expect([...folder.files.keys()]).toEqual(expect.arrayContaining([journalFile, 'config.json']));
    const whole = new Map(folder.files);
    const other = await job({}, 6);
    await expectGraftError(() => mergeProved(gpu, other, folder, options), 'merge.other_model');
    expect(folder.files).toEqual(whole);
    // What a power cut may leave: the last file is on disk, a part of another is not.
    const shard = [...folder.files.keys()].find((name) => name.endsWith('.safetensors'))!;
    const damaged = folder.files.get(shard)!.slice().fill(0, -2);
    folder.files.set(shard, damaged);
    const mended = await mergeProved(gpu, task, folder, options);
    expect(mended.alreadyFinished).toBe(false);
    whole.delete(journalFile);
    expect(folder.files).toEqual(whole);
  });
});
