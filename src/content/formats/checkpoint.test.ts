import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorParams } from '../../base/lib/errors.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { modelFolder } from '../../testing/golden.ts';
import { openCheckpoint } from './checkpoint.ts';
import { encodeSafetensors } from './safetensorsWriter.ts';

const index = 'model.safetensors.index.json';
const [one, two] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

const weights = (...names: string[]): Uint8Array =>
  encodeSafetensors(
    names.map((name, i) => ({ name, dtype: 'U8', shape: [2], bytes: new Uint8Array([i, i + 1]) })),
  );

const indexOf = (weightMap: Record<string, string>): string =>
  JSON.stringify({ metadata: {}, weight_map: weightMap });

/** A folder that notes which files are opened. */
class WatchedFolder extends MemoryFolder {
  readonly opened: string[] = [];

  override async open(file: string): Promise<ByteSource> {
    this.opened.push(file);
    return super.open(file);
  }
}

describe('openCheckpoint', () => {
  it('opens a single file', async () => {
    for (const name of ['model.safetensors', 'other.safetensors']) {
      const checkpoint = await openCheckpoint(
        new MemoryFolder('m', { 'config.json': '{}', [name]: weights('a', 'b') }),
      );
      expect(checkpoint.files).toMatchObject([{ name, tensors: ['a', 'b'] }]);
      expect(checkpoint.totalBytes).toBe(4);
      expect(await checkpoint.read('b')).toEqual(new Uint8Array([1, 2]));
      expect(await checkpoint.readRange('b', 1, 1)).toEqual(new Uint8Array([2]));
      await expectGraftError(() => checkpoint.read('c'), 'formats.tensor_missing', {
        tensor: 'c',
        file: 'm',
      });
    }
  });

  it('prefers model.safetensors, as transformers does', async () => {
    const folder = new MemoryFolder('m', {
      'model.safetensors': weights('a'),
      [index]: 'not read',
      'x.safetensors': 'not read',
    });
    expect([...(await openCheckpoint(folder)).tensors.keys()]).toEqual(['a']);
  });

  it.each(['tiny-qwen2', 'tiny-qwen3', 'tiny-llama3'])('opens the shards of %s', async (model) => {
    const folder = modelFolder(model);
    const checkpoint = await openCheckpoint(folder);
    const { metadata, weight_map: map } = JSON.parse(
      new TextDecoder().decode(await read(await folder.open(index))),
    ) as { metadata: { total_size: number }; weight_map: Record<string, string> };
    expect(checkpoint.totalBytes).toBe(metadata.total_size);
    expect(checkpoint.files.map(({ name }) => name)).toEqual([one, two]);
    for (const [tensor, shard] of Object.entries(map)) {
      const { file, info } = checkpoint.get(tensor);
      expect(file.source.name).toBe(shard);
      expect((await checkpoint.read(tensor)).byteLength).toBe(info.end - info.begin);
    }
    expect(checkpoint.tensors.size).toBe(Object.keys(map).length);
  });

  it('takes tensors named __proto__ through an index', async () => {
    const map = `{"weight_map":{"__proto__":"${one}","constructor":"${two}"}}`;
    const folder = new MemoryFolder('m', {
      [index]: map,
      [one]: weights('__proto__'),
      [two]: weights('constructor'),
    });
    expect([...(await openCheckpoint(folder)).tensors.keys()]).toEqual(['__proto__', 'constructor']);
  });

  it.each<[string, Record<string, Uint8Array | string>, ErrorCode, ErrorParams]>([
    ['nothing', { 'config.json': '{}' }, 'formats.no_weights', { folder: 'm' }],
    [
      'a pickle',
      { 'pytorch_model.bin': 'x' },
      'formats.pickle_only',
      { folder: 'm', file: 'pytorch_model.bin' },
    ],
    [
      'sharded pickles',
      { 'pytorch_model-00001-of-00002.bin': 'x' },
      'formats.pickle_only',
      { file: 'pytorch_model-00001-of-00002.bin' },
    ],
    [
      'a pickle beside an adapter',
      { 'pytorch_model.bin': 'x', 'adapter_model.safetensors': 'x', 'adapter_config.json': '{}' },
      'formats.pickle_only',
      { file: 'pytorch_model.bin' },
    ],
    [
      'an adapter alone',
      { 'adapter_model.safetensors': 'x', 'adapter_config.json': '{}' },
      'formats.adapter_only',
      { file: 'adapter_model.safetensors' },
    ],
    [
      'two files',
      { 'a.safetensors': 'x', 'b.safetensors': 'x' },
      'formats.several_weights',
      { files: 'a.safetensors, b.safetensors' },
    ],
    [
      'a missing shard',
      { [index]: indexOf({ a: one, b: two }), [one]: weights('a') },
      'formats.index_shard_missing',
      { file: index, shard: two },
    ],
    [
      'an extra shard',
      { [index]: indexOf({ a: one }), [one]: weights('a'), [two]: weights('b') },
      'formats.index_shard_extra',
      { shard: two },
    ],
    ['bad JSON', { [index]: '{"weight_map":{' }, 'formats.index_json', { file: index }],
    ['no weight_map', { [index]: '{}' }, 'formats.index_json', { file: index }],
    ['an empty weight_map', { [index]: '{"weight_map":{}}' }, 'formats.index_json', { file: index }],
    ['a number for a shard', { [index]: '{"weight_map":{"a":1}}' }, 'formats.index_json', { file: index }],
    [
      'an LFS pointer as index',
      { [index]: 'version https://git-lfs.github.com/spec/v1\n' },
      'storage.lfs_pointer',
      { file: index },
    ],
  ])('refuses %s before opening a shard', async (_, files, code, params) => {
    const folder = new WatchedFolder('m', files);
    await expectGraftError(() => openCheckpoint(folder), code, params);
    expect(folder.opened.filter((file) => file !== index)).toEqual([]);
  });

  it.each([
    '../x.safetensors',
    '/etc/x.safetensors',
    '//host/x.safetensors',
    '%2e%2e/x.safetensors',
    '%2e%2e%2fx.safetensors',
    'a\\b.safetensors',
    'C:x.safetensors',
    'sub/x.safetensors',
    '..',
    '',
    '.safetensors',
    'https://host/x.safetensors',
    'x.bin',
    'x\u0000.safetensors',
    'gpj\u202e.safetensors',
    'a\u001b[2J.safetensors',
    index,
  ])('refuses an index that names shard “%s”', async (shard) => {
    const folder = new WatchedFolder('m', { [index]: indexOf({ a: one, evil: shard }), [one]: weights('a') });
    await expectGraftError(() => openCheckpoint(folder), 'formats.index_shard_name', {
      tensor: 'evil',
      shard,
    });
    expect(folder.opened).toEqual([index]);
  });

  it.each<[string, Record<string, string>, string[], string[], ErrorCode, ErrorParams]>([
    [
      'claims a tensor its shard lacks',
      { a: one, b: two, c: two },
      ['a'],
      ['b'],
      'formats.index_tensor_missing',
      { tensor: 'c', shard: two },
    ],
    [
      'leaves out a tensor',
      { a: one, b: two },
      ['a'],
      ['b', 'c'],
      'formats.index_tensor_unlisted',
      { tensor: 'c', shard: two },
    ],
    [
      'places a tensor in the wrong shard',
      { a: two, b: two },
      ['a'],
      ['b'],
      'formats.index_shard_extra',
      { shard: one },
    ],
    [
      'meets a tensor in two shards',
      { a: one, b: two },
      ['a'],
      ['b', 'a'],
      'formats.index_tensor_unlisted',
      { tensor: 'a', shard: two },
    ],
  ])('refuses an index that %s', async (_, map, first, second, code, params) => {
    const folder = new MemoryFolder('m', {
      [index]: indexOf(map),
      [one]: weights(...first),
      [two]: weights(...second),
    });
    await expectGraftError(() => openCheckpoint(folder), code, { file: index, ...params });
  });
});

function read(source: ByteSource): Promise<Uint8Array> {
  return source.read(0, source.size);
}
