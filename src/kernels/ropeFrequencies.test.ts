import { expect, it } from 'vitest';
import { expectClose } from '../testing/compare.ts';
import { ropeFrequencies } from './ropeFrequencies.ts';

it('falls from 1 by equal ratios to theta^(2/D − 1)', () => {
  expectClose(ropeFrequencies({ headDim: 8, theta: 10000 }), [1, 0.1, 0.01, 0.001], { rtol: 1e-7 });
  expect(ropeFrequencies({ headDim: 8, theta: 10000, scaling: null })[1]).toBe(Math.fround(0.1));
  expect(ropeFrequencies({ headDim: 8, theta: 10000, scaling: { rope_type: 'default' } })[1]).toBe(
    Math.fround(0.1),
  );
});

it('linear scaling divides all of them', () => {
  const scaling = { rope_type: 'linear', factor: 4 } as const;
  expectClose(ropeFrequencies({ headDim: 4, theta: 100, scaling }), [0.25, 0.025], { rtol: 1e-7 });
});

it('llama3 scaling keeps the fast, divides the slow and blends those between', () => {
  const frequencies = ropeFrequencies({
    headDim: 16,
    theta: 500000,
    scaling: {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 256,
    },
  });
  // Wavelengths 6.3 and 32 are under 256/4; 167 lies between; 861 and more are over 256.
  // The numbers are those of transformers' formula, evaluated in Python.
  const expected = [
    1, 0.19392274474868576, 0.007638111512411543, 0.00022789577303803464, 4.419417382415922e-5,
    8.570255489881478e-6, 1.661967467795309e-6, 3.2229329303788936e-7,
  ];
  expectClose(frequencies, expected, { rtol: 1e-6 });
});
