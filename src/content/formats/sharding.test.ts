import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { parseShardSize, planShards, shardIndexJson } from './sharding.ts';

describe('parseShardSize', () => {
  it.each([
    ['4096MB', 4_096_000_000],
    ['4GiB', 4 * 2 ** 30],
    [12345, 12345],
  ])('%s is %d bytes', (size, bytes) => {
    expect(parseShardSize(size)).toBe(bytes);
  });

  it.each(['', 'GB', '0', '0.5', NaN, -1, Infinity])('refuses %s', async (size) => {
    await expectGraftError(() => parseShardSize(size), 'formats.shard_size', { value: String(size) });
  });
});

describe('planShards', () => {
  const plan = (sizes: number[], limit: number): string[] =>
    planShards(
      sizes.map((bytes, i) => ({ name: String(i), bytes })),
      limit,
    ).map(({ names }) => names.join(''));

  it('fills greedily in order, as huggingface_hub’s docstring says', () => {
    expect(plan([6, 6, 2, 6, 2, 2], 10)).toEqual(['0', '12', '345']);
  });

  it('lets a tensor above the limit stand alone, before the shard being filled', () => {
    expect(plan([2, 20, 3, 30], 10)).toEqual(['1', '3', '02']);
  });

  it('names one shard model.safetensors', () => {
    expect(planShards([{ name: 'a', bytes: 5 }], 5)).toEqual([{ file: 'model.safetensors', names: ['a'] }]);
    expect(planShards([], 5)).toEqual([{ file: 'model.safetensors', names: [] }]);
    expect(
      planShards(
        [
          { name: 'a', bytes: 5 },
          { name: 'b', bytes: 1 },
        ],
        5,
      ).map(({ file }) => file),
    ).toEqual(['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']);
  });

  it('loses no tensor and passes the limit only with a single one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 30 }), (sizes, limit) => {
        const shards = planShards(
          sizes.map((bytes, i) => ({ name: String(i), bytes })),
          limit,
        );
        const names = shards.flatMap((shard) => shard.names);
        expect(names.map(Number).sort((a, b) => a - b)).toEqual(sizes.map((_, i) => i));
        for (const shard of shards) {
          const total = shard.names.reduce((sum, name) => sum + sizes[Number(name)]!, 0);
          expect(total <= limit || shard.names.length === 1).toBe(true);
        }
      }),
    );
  });
});

describe('shardIndexJson', () => {
  it('is what transformers writes: two spaces, sorted by code point, ASCII, newline at the end', () => {
    const shards = [
      { file: 'model-00001-of-00002.safetensors', names: ['b', '10', '__proto__'] },
      { file: 'model-00002-of-00002.safetensors', names: ['2', 'é', '\u{1f600}', '\uff5e'] },
    ];
    expect(shardIndexJson(shards, 42)).toBe(`{
  "metadata": {
    "total_size": 42
  },
  "weight_map": {
    "10": "model-00001-of-00002.safetensors",
    "2": "model-00002-of-00002.safetensors",
    "__proto__": "model-00001-of-00002.safetensors",
    "b": "model-00001-of-00002.safetensors",
    "\\u00e9": "model-00002-of-00002.safetensors",
    "\\uff5e": "model-00002-of-00002.safetensors",
    "\\ud83d\\ude00": "model-00002-of-00002.safetensors"
  }
}
`);
  });
});
