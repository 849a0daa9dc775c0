import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../../gpu/device.ts';
import { readBytes } from '../../../gpu/transfer.ts';
import { hexOf } from '../../../../base/lib/bytes.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { MemoryDirectory } from '../../../../base/storage/memoryDirectory.ts';
import { caught } from '../../../../testing/errors.ts';
import { testGpu } from '../../../../testing/gpu.ts';
import { refuseLeaks } from '../../../../testing/leaks.ts';
import { withMaxBinding } from '../../../../testing/passes.ts';
import { tinyModel } from '../../../../testing/tinyModel.ts';
import { VersionedFolder } from '../../../../testing/versionedFolder.ts';
import { openModelFiles, type ModelFiles } from '../../spec/openModel.ts';
import { ResidentWeights } from '../residentWeights.ts';
import { StreamedWeights } from '../streamedWeights.ts';
import type { BlockWeights } from '../weights.ts';
import { QuantizedCache } from './quantizedCache.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

// Large compared with norms and vocabulary, with rows that start within a block and within a word of codes.
const config = { hidden_size: 132, head_dim: 36, intermediate_size: 300, num_hidden_layers: 3 };
const LAYERS = [0, 1, 2];
const kinds = [{ doubleQuant: false }, { doubleQuant: true }];

/** Matrices in which some rows end at a nested block, so that they are split into chunks if bindings are small. */
const aligned = { hidden_size: 128, head_dim: 32, intermediate_size: 512, num_hidden_layers: 3 };

function folderOf(seed = 1, version = '1', fields: object = config): VersionedFolder {
  return new VersionedFolder(tinyModel({ config: { ...fields }, dtype: 'BF16', seed }), version);
}

/** A cache, and the problems it reported. */
function storeIn(root: MemoryDirectory, now = 5) {
  const problems: unknown[] = [];
  const store = new QuantizedCache(root, { onProblem: (error) => problems.push(error), now: () => now });
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
  /** Bytes of the base read while loading. */
  read: number;
  progress: number;
}

/** Loads a model and hashes its weights on the GPU. */
async function load(
  folder: VersionedFolder,
  quantize: { doubleQuant: boolean },
  store: QuantizedCache | null,
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
  it('equal the quantized weights bit for bit, at less than a third of the bytes', async () => {
    const root = new MemoryDirectory('root');
    const { store, problems } = storeIn(root);
    const uncached = await load(folderOf(), kind, null);
    const first = await load(folderOf(), kind, store);
    expect(first).toEqual(uncached);
    const [cached] = await store.list();
    expect(cached).toMatchObject({ base: 'tiny', complete: true, lastUsed: 0, ...kind });
    const second = await load(folderOf(), kind, store);
    expect(second.blocks).toEqual(uncached.blocks);
    expect(second.progress).toBe(1);
    // The cache, plus what is not quantized: embedding, head and norms.
    const others = 2 * (2 * 40 * 132 + (2 * 3 + 1) * 132);
    expect(second.read).toBe(others);
    expect(cached!.bytes + second.read - others).toBeLessThan(0.3 * (uncached.read - others));
    expect((await store.list())[0]!.lastUsed).toBe(5);
    expect(problems).toEqual([]);
  });

  it('serve adapters with other limits: chunks consist of the same bytes', async () => {
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
    const uncached = await load(folderOf(1, '1', aligned), kind, null, small);
    const again = await load(folderOf(1, '1', aligned), kind, storeIn(whole).store, small);
    expect(again.blocks).toEqual(uncached.blocks);
    expect(again.blocks[0]!.length).toBeGreaterThan(7 * (kind.doubleQuant ? 3 : 2));
    expect(again.read).toBeLessThan(0.1 * uncached.read);
  });

  it('are used by streamed layers from the second visit on', async () => {
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
    // Only the norms.
    expect(second.read).toBe(2 * 2 * 3 * 132);
    weights.dispose();
  });
});

const quantize = { doubleQuant: true };

describe('failures', () => {
  it('an interrupted first load leaves nothing usable, and the next one replaces it', async () => {
    const root = new MemoryDirectory('root');
    const uncached = await load(folderOf(), quantize, null);
    const broken = folderOf();
    const opened = await openModelFiles(broken);
    broken.failAfter = broken.bytesRead + uncached.read / 2;
    const { store } = storeIn(root);
    const derived = await store.open({ ...opened }, quantize);
    const storage = { halve: false, quantize, derived };
    broken.failAfter = broken.bytesRead + uncached.read / 2;
    expect(await caught(() => ResidentWeights.load(gpu, opened, storage))).toMatchObject({
      message: 'the disk is gone',
    });
    const [partial] = await store.list();
    expect(partial).toMatchObject({ complete: false });
    expect(partial!.bytes).toBeGreaterThan(10_000);
    expect(await load(folderOf(), quantize, store)).toEqual(uncached);
    expect(await store.list()).toMatchObject([{ key: partial!.key, complete: true }]);
    // The interrupted file is gone.
    expect((await store.list())[0]!.bytes).toBeLessThan(partial!.bytes + 1000);
    const last = await load(folderOf(), quantize, store);
    expect(last.blocks).toEqual(uncached.blocks);
    expect(last.read).toBeLessThan(0.2 * uncached.read);
  });

  it.each([1, 7, 40])(
    'a disk that is full after %i writes: loading continues, with one report',
    async (writes) => {
      const root = new FullDirectory('root', { left: writes });
      const { store, problems } = storeIn(root);
      expect(await load(folderOf(), quantize, store)).toEqual(await load(folderOf(), quantize, null));
      expect(problems).toMatchObject([{ code: 'storage.quota' }]);
      const [left] = await store.list();
      expect(left?.complete ?? false).toBe(false);
      // What was written is removed again.
      expect(left?.bytes ?? 0).toBeLessThan(1000);
    },
  );

  it('another base has its own cache: another version, or changed bytes with an equal version', async () => {
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
    // Without double quantization it is another cache too.
    await load(folderOf(), { doubleQuant: false }, store);
    expect(await store.list()).toHaveLength(4);
  });

  it('files without an identity are quantized at every load', async () => {
    const { store } = storeIn(new MemoryDirectory('root'));
    const files = await openModelFiles(tinyModel({ config, dtype: 'BF16' }));
    expect(await store.open(files, quantize)).toBeNull();
    expect(await store.list()).toEqual([]);
  });

  it('two concurrent first loads do not interfere', async () => {
    const root = new MemoryDirectory('root');
    const uncached = await load(folderOf(), quantize, null);
    const both = await Promise.all(
      [storeIn(root), storeIn(root)].map(({ store }) => load(folderOf(), quantize, store)),
    );
    expect(both).toEqual([uncached, uncached]);
    // The last one leaves a valid cache, or none; the next load is correct either way.
    for (let again = 0; again < 2; again++) {
      expect((await load(folderOf(), quantize, storeIn(root).store)).blocks).toEqual(uncached.blocks);
    }
    const last = await load(folderOf(), quantize, storeIn(root).store);
    expect(last.read).toBeLessThan(0.2 * uncached.read);
  });

  it('what is removed or damaged during use is quantized again', async () => {
    const root = new MemoryDirectory('root');
    const { store, problems } = storeIn(root);
    const uncached = await load(folderOf(), quantize, null);
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
      expect(await hashesOf(await weights.block(layer))).toEqual(uncached.blocks[layer]);
    weights.dispose();
    expect(problems).toMatchObject([{ code: 'storage.not_found' }]);
  });
});

it('lists and removes cached models', async () => {
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

/** A directory on a disk that is full after some in-place writes. */
class FullDirectory extends MemoryDirectory {
  readonly #budget: { left: number };

  constructor(name: string, budget: { left: number }) {
    super(name);
    this.#budget = budget;
  }

  override async directory(name: string): Promise<MemoryDirectory> {
    const inner = await super.directory(name);
    const edit = inner.edit.bind(inner);
    inner.edit = async (file) => {
      const opened = await edit(file);
      return {
        ...opened,
        write: async (offset, bytes) => {
          if ((this.#budget.left -= 1) < 0) throw new GraftError('storage.quota', { file });
          await opened.write(offset, bytes);
        },
      };
    };
    return inner;
  }
}
