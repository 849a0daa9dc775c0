import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { readBytes } from '../../gpu/transfer.ts';
import { hexOf } from '../../lib/bytes.ts';
import { GraftError } from '../../lib/errors.ts';
import { MemoryDirectory } from '../../storage/memoryDirectory.ts';
import { caught } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { withMaxBinding } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { VersionedFolder } from '../../testing/versionedFolder.ts';
import { openModelFiles, type ModelFiles } from '../openModel.ts';
import { ResidentWeights } from '../residentWeights.ts';
import { StreamedWeights } from '../streamedWeights.ts';
import type { BlockWeights } from '../weights.ts';
import { DerivedWeights } from './derivedWeights.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

// Large against norms and vocabulary, and with rows that begin in the middle of a block and of a word of codes.
const config = { hidden_size: 132, head_dim: 36, intermediate_size: 300, num_hidden_layers: 3 };
const LAYERS = [0, 1, 2];
const kinds = [{ doubleQuant: false }, { doubleQuant: true }];

/** Matrices of which some rows end a nested block, so that they come in several chunks where bindings are small. */
const aligned = { hidden_size: 128, head_dim: 32, intermediate_size: 512, num_hidden_layers: 3 };

function folderOf(seed = 1, version = '1', fields: object = config): VersionedFolder {
  return new VersionedFolder(tinyModel({ config: { ...fields }, dtype: 'BF16', seed }), version);
}

/** A store, and why it did not keep something. */
function storeIn(root: MemoryDirectory, now = 5) {
  const problems: unknown[] = [];
  const store = new DerivedWeights(root, { onProblem: (error) => problems.push(error), now: () => now });
  return { store, problems };
}

/** The hash of every tensor of a block's matrices. */
async function hashesOf({ groups }: BlockWeights): Promise<string[]> {
  const all: string[] = [];
  for (const { weight } of Object.values(groups).flatMap(({ parts }) => parts)) {
    for (const { data, scales, nested } of weight.chunks) {
      for (const tensor of [data, scales, nested]) {
        if (!tensor) continue;
        const digest = await crypto.subtle.digest('SHA-256', await readBytes(gpu, tensor));
        all.push(hexOf(new Uint8Array(digest)));
      }
    }
  }
  return all;
}

interface Loaded {
  blocks: string[][];
  /** Bytes read of the base while its weights came. */
  read: number;
  progress: number;
}

/** Loads a model, and gives what came of it to the GPU. */
async function load(
  folder: VersionedFolder,
  quantize: { doubleQuant: boolean },
  store: DerivedWeights | null,
  on: Gpu = gpu,
): Promise<Loaded> {
  const files = await openModelFiles(folder);
  const derived = (await store?.open(files, quantize)) ?? null;
  folder.bytesRead = 0;
  let progress = 0;
  const storage = { halve: false, quantize, derived };
  const weights = await ResidentWeights.load(on, files, storage, (done, total) => (progress = done / total));
  const blocks: string[][] = [];
  for (const layer of LAYERS) blocks.push(await hashesOf(await weights.block(layer)));
  weights.dispose();
  return { blocks, read: folder.bytesRead, progress };
}

describe.each(kinds)('4-bit weights on disk, %o', (kind) => {
  it('are what quantizing makes, to the bit, from less than a third of the bytes', async () => {
    const root = new MemoryDirectory('root');
    const { store, problems } = storeIn(root);
    const anew = await load(folderOf(), kind, null);
    const first = await load(folderOf(), kind, store);
    expect(first).toEqual(anew);
    const [kept] = await store.list();
    expect(kept).toMatchObject({ base: 'tiny', complete: true, lastUsed: 0, ...kind });
    const second = await load(folderOf(), kind, store);
    expect(second.blocks).toEqual(anew.blocks);
    expect(second.progress).toBe(1);
    // What is kept, and what is not quantized: embedding, head and norms.
    const others = 2 * (2 * 40 * 132 + (2 * 3 + 1) * 132);
    expect(second.read).toBe(others);
    expect(kept!.bytes + second.read - others).toBeLessThan(0.3 * (anew.read - others));
    expect((await store.list())[0]!.lastUsed).toBe(5);
    expect(problems).toEqual([]);
  });

  it('serve adapters of other limits: chunks are made of the same bytes', async () => {
    const small = withMaxBinding(gpu, 16 * 1024);
    const whole = new MemoryDirectory('whole');
    const split = new MemoryDirectory('split');
    await load(folderOf(1, '1', aligned), kind, storeIn(whole).store);
    await load(folderOf(1, '1', aligned), kind, storeIn(split).store, small);
    const files = async (root: MemoryDirectory) => {
      const [key] = await root.directories();
      const folder = await root.directory(key!);
      return [...folder.files].filter(([name]) => name.endsWith('.safetensors')).map(([, bytes]) => bytes);
    };
    const [one, other] = [await files(whole), await files(split)];
    expect([one.length, other.length]).toEqual([1, 1]);
    expect(other[0]!.findIndex((byte, i) => byte !== one[0]![i])).toBe(-1);
    expect(other[0]!.length).toBe(one[0]!.length);
    const anew = await load(folderOf(1, '1', aligned), kind, null, small);
    const again = await load(folderOf(1, '1', aligned), kind, storeIn(whole).store, small);
    expect(again.blocks).toEqual(anew.blocks);
    expect(again.blocks[0]!.length).toBeGreaterThan(7 * (kind.doubleQuant ? 3 : 2));
    expect(again.read).toBeLessThan(0.1 * anew.read);
  });

  it('come when layers stream from the second visit on', async () => {
    const folder = folderOf();
    const files = await openModelFiles(folder);
    const { store } = storeIn(new MemoryDirectory('root'));
    const derived = await store.open(files, kind);
    const weights = new StreamedWeights(gpu, files, { halve: false, quantize: kind, derived }, 1);
    const visit = async () => {
      folder.bytesRead = 0;
      const blocks: string[][] = [];
      for (const layer of LAYERS) {
        blocks.push(await hashesOf(await weights.block(layer)));
        weights.release(layer);
      }
      return { blocks, read: folder.bytesRead };
    };
    const [first, second] = [await visit(), await visit()];
    const held = gpu.memory.bytes;
    const third = await visit();
    expect(gpu.memory.bytes).toBe(held);
    expect(second.blocks).toEqual(first.blocks);
    expect(third).toEqual(second);
    expect(first.blocks).toEqual((await load(folderOf(), kind, null)).blocks);
    // Norms alone.
    expect(second.read).toBe(2 * 2 * 3 * 132);
    weights.dispose();
  });
});

const quantize = { doubleQuant: true };

describe('what may go wrong', () => {
  it('a first load that was cut off leaves nothing that is used, and the next one replaces it', async () => {
    const root = new MemoryDirectory('root');
    const anew = await load(folderOf(), quantize, null);
    const broken = folderOf();
    const opened = await openModelFiles(broken);
    broken.failAfter = broken.bytesRead + anew.read / 2;
    const { store } = storeIn(root);
    const derived = await store.open({ ...opened }, quantize);
    const storage = { halve: false, quantize, derived };
    broken.failAfter = broken.bytesRead + anew.read / 2;
    expect(await caught(() => ResidentWeights.load(gpu, opened, storage))).toMatchObject({
      message: 'the disk is gone',
    });
    const [partial] = await store.list();
    expect(partial).toMatchObject({ complete: false });
    expect(partial!.bytes).toBeGreaterThan(10_000);
    expect(await load(folderOf(), quantize, store)).toEqual(anew);
    expect(await store.list()).toMatchObject([{ key: partial!.key, complete: true }]);
    // The file that was cut off is gone.
    expect((await store.list())[0]!.bytes).toBeLessThan(partial!.bytes + 1000);
    const last = await load(folderOf(), quantize, store);
    expect(last.blocks).toEqual(anew.blocks);
    expect(last.read).toBeLessThan(0.2 * anew.read);
  });

  it.each([1, 7, 40])(
    'a disk that is full after %i writes: the load goes on, and it is told once',
    async (writes) => {
      const root = new FullDirectory('root', { left: writes });
      const { store, problems } = storeIn(root);
      expect(await load(folderOf(), quantize, store)).toEqual(await load(folderOf(), quantize, null));
      expect(problems).toMatchObject([{ code: 'storage.quota' }]);
      const [left] = await store.list();
      expect(left?.complete ?? false).toBe(false);
      // What was written makes room again.
      expect(left?.bytes ?? 0).toBeLessThan(1000);
    },
  );

  it('another base is quantized for itself: a version, and bytes that change behind an equal version', async () => {
    const root = new MemoryDirectory('root');
    const { store } = storeIn(root);
    await load(folderOf(), quantize, store);
    for (const folder of [folderOf(1, '2'), folderOf(2, '1')]) {
      const { read } = await load(folder, quantize, store);
      expect(read).toBeGreaterThan(200_000);
    }
    const other = await load(folderOf(2, '1'), quantize, store);
    expect(other.blocks).toEqual((await load(folderOf(2), quantize, null)).blocks);
    expect(other.read).toBeLessThan(100_000);
    expect(await store.list()).toHaveLength(3);
    // Not nested is something else too.
    await load(folderOf(), { doubleQuant: false }, store);
    expect(await store.list()).toHaveLength(4);
  });

  it('files that cannot be told from others are quantized at every load', async () => {
    const { store } = storeIn(new MemoryDirectory('root'));
    const files = await openModelFiles(tinyModel({ config, dtype: 'BF16' }));
    expect(await store.open(files, quantize)).toBeNull();
    expect(await store.list()).toEqual([]);
  });

  it('two first loads at once do not disturb each other', async () => {
    const root = new MemoryDirectory('root');
    const anew = await load(folderOf(), quantize, null);
    const both = await Promise.all(
      [storeIn(root), storeIn(root)].map(({ store }) => load(folderOf(), quantize, store)),
    );
    expect(both).toEqual([anew, anew]);
    // Whoever was last has left what holds, or nobody has; the next load is right either way.
    for (let again = 0; again < 2; again++) {
      expect((await load(folderOf(), quantize, storeIn(root).store)).blocks).toEqual(anew.blocks);
    }
    const last = await load(folderOf(), quantize, storeIn(root).store);
    expect(last.read).toBeLessThan(0.2 * anew.read);
  });

  it('what is removed or damaged while it is used is quantized again', async () => {
    const root = new MemoryDirectory('root');
    const { store, problems } = storeIn(root);
    const anew = await load(folderOf(), quantize, null);
    await load(folderOf(), quantize, store);
    const files: ModelFiles = await openModelFiles(folderOf());
    const derived = await store.open(files, quantize);
    const [file] = derived!.checkpoint!.files;
    const { source } = file!.file;
    const gone = () => Promise.reject(new GraftError('storage.not_found', { file: 'x', folder: 'y' }));
    let reads = 0;
    const read = source.read.bind(source);
    source.read = (offset, length) => ((reads += 1) > 20 ? gone() : read(offset, length));
    const storage = { halve: false, quantize, derived };
    const weights = await ResidentWeights.load(gpu, files, storage);
    for (const layer of LAYERS)
      expect(await hashesOf(await weights.block(layer))).toEqual(anew.blocks[layer]);
    weights.dispose();
    expect(problems).toMatchObject([{ code: 'storage.not_found' }]);
  });
});

it('lists what is kept and removes it', async () => {
  const root = new MemoryDirectory('root');
  const { store } = storeIn(root);
  await load(folderOf(), quantize, store);
  await load(folderOf(), { doubleQuant: false }, store);
  const [larger, smaller] = await store.list();
  expect([larger!.doubleQuant, smaller!.doubleQuant]).toEqual([false, true]);
  expect(larger!.bytes).toBeGreaterThan(smaller!.bytes);
  await store.remove(larger!.key);
  expect((await store.list()).map(({ key }) => key)).toEqual([smaller!.key]);
  expect((await load(folderOf(), quantize, store)).read).toBeLessThan(100_000);
});

/** A directory on a disk that is full after some writes to files that are changed in place. */
class FullDirectory extends MemoryDirectory {
  readonly #room: { left: number };

  constructor(name: string, room: { left: number }) {
    super(name);
    this.#room = room;
  }

  override async directory(name: string): Promise<MemoryDirectory> {
    const inner = await super.directory(name);
    const edit = inner.edit.bind(inner);
    inner.edit = async (file) => {
      const opened = await edit(file);
      return {
        ...opened,
        write: async (offset, bytes) => {
          if ((this.#room.left -= 1) < 0) throw new GraftError('storage.quota', { file });
          await opened.write(offset, bytes);
        },
      };
    };
    return inner;
  }
}
