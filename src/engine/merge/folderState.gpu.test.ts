import { beforeEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { ownedFolder } from '../../base/storage/ownedFolder.ts';
import type { Owner } from '../../base/storage/types.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import type { Gpu } from '../gpu/device.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { mergeJob, type MergeJob } from './mergeJob.ts';
import { mergeProved, mergeReadBack, type ProvedMergeOptions } from './mergeProved.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const config = { hidden_size: 32, intermediate_size: 64, vocab_size: 64, num_hidden_layers: 1 };
const options = { maxShardBytes: 12_000 };
const shard = /^model-00001-of-/;

async function job(seed = 5): Promise<MergeJob> {
  const files = { 'tokenizer.json': '{}' };
  const base = await openModelFiles(tinyModel({ config, dtype: 'BF16', files }));
  return mergeJob(base, randomPeft(base, { targets: ['q_proj', 'down_proj'] }, { seed }));
}

/** A folder whose files have a time of their last change, as a disk's. */
class StampedDirectory extends MemoryDirectory {
  readonly stamps = new Map<string, number>();
  /** Called before a file appears. */
  onCreate: (file: string) => void = () => undefined;

  override async open(file: string) {
    return { ...(await super.open(file)), version: `changed ${this.stamps.get(file) ?? 0}` };
  }

  override async create(file: string) {
    const sink = await super.create(file);
    const close = sink.close.bind(sink);
    sink.close = async () => {
      this.onCreate(file);
      await close();
    };
    return sink;
  }

  /** Someone writes a file: the same bytes will do, since nobody knows what was there meanwhile. */
  touch(pattern: RegExp): void {
    const file = [...this.files.keys()].find((name) => pattern.test(name))!;
    this.stamps.set(file, (this.stamps.get(file) ?? 0) + 1);
  }
}

describe.each([
  ['mergeProved', mergeProved],
  ['mergeReadBack', mergeReadBack],
])('%s', (_, merge) => {
  const provingOnce = (work: () => void): ProvedMergeOptions => {
    let isDone = false;
    const onProving = (): void => {
      if (!isDone) work();
      isDone = true;
    };
    return { ...options, onProving };
  };

  it('refuses a folder that someone changes while it is proved, and proves it when started again', async () => {
    const [task, folder] = [await job(), new StampedDirectory('out')];
    const changing = provingOnce(() => folder.touch(shard));
    await expectGraftError(() => merge(gpu, task, folder, changing), 'merge.changed_since', {
      folder: 'out',
    });
    expect([...folder.files.keys()]).not.toContain('config.json');
    expect(await merge(gpu, task, folder, options)).toMatchObject({ alreadyFinished: false });
    // A finished one too.
    const again = provingOnce(() => folder.touch(shard));
    await expectGraftError(() => merge(gpu, task, folder, again), 'merge.changed_since');
    expect(await merge(gpu, task, folder, options)).toMatchObject({ alreadyFinished: true });
  });

  it('refuses weights of others that appear, and what is changed as it becomes a model', async () => {
    const [task, folder] = [await job(), new StampedDirectory('out')];
    const adding = provingOnce(() => folder.files.set('other.safetensors', new Uint8Array(9)));
    await expectGraftError(() => merge(gpu, task, folder, adding), 'merge.changed_since', {
      file: 'other.safetensors',
    });
    folder.files.delete('other.safetensors');
    folder.onCreate = (file) => {
      if (file === 'config.json') folder.touch(/^tokenizer\.json$/);
    };
    await expectGraftError(() => merge(gpu, task, folder, options), 'merge.changed_since', {
      file: 'tokenizer.json',
    });
    expect([...folder.files.keys()]).not.toContain('config.json');
  });

  it('proves nothing in a folder that was lost, and leaves what is there to its new owner', async () => {
    const task = await job();
    const whole = new MemoryDirectory('whole');
    let calls = 0;
    const counting: Owner = { token: 'a', check: async () => void (calls += 1) };
    await merge(gpu, task, ownedFolder(whole, counting), options);
    expect(calls).toBeGreaterThan(20);
    for (let at = 1; at <= calls; at++) {
      const folder = new MemoryDirectory('out');
      let left = at;
      let before: Map<string, Uint8Array> | null = null;
      const losing: Owner = {
        token: 'a',
        async check() {
          if ((left -= 1) > 0) return;
          // From here on it is another's.
          before ??= new Map([...folder.files].map(([name, bytes]) => [name, bytes.slice()]));
          throw new GraftError('storage.lost_ownership', { file: 'lock', folder: 'out' });
        },
      };
      const merging = () => merge(gpu, task, ownedFolder(folder, losing), options);
      await expectGraftError(merging, 'storage.lost_ownership');
      expect(folder.files, `call ${at}`).toEqual(before);
    }
  });
});
