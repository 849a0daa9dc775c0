import { describe, expect, it } from 'vitest';
import { logitRows } from './head.ts';

const MIB = 1024 * 1024;

describe('logitRows', () => {
  it('allows about as many logits as the residual stream has elements', () => {
    // Qwen2.5-0.5B, 4,096 tokens: 170 times as many columns, so about 1/170 of the rows.
    const rows = logitRows(4096, 896, 151_936, 2048 * MIB);
    expect(rows).toBe(64);
    expect(logitRows(65_536, 896, 151_936, 2048 * MIB)).toBe(448);
  });

  it('allows all rows at once for a small vocabulary', () => {
    expect(logitRows(100, 64, 64, 128 * MIB)).toBe(128);
  });

  it('stays within a binding, in multiples of 64 rows', () => {
    for (const rows of [1, 1000, 1_000_000, 8_000_000]) {
      const step = logitRows(rows, 4096, 128_256, 128 * MIB);
      expect(step % 64).toBe(0);
      expect(step * 128_256 * 4).toBeLessThanOrEqual(128 * MIB);
    }
  });

  it('is never zero', () => {
    expect(logitRows(1, 4096, 512, 128 * MIB)).toBe(64);
    // Even if 64 rows exceed a binding: the vocabulary would have to exceed 524,288.
    expect(logitRows(4096, 4096, 1_000_000, 128 * MIB)).toBe(64);
  });
});
