import { expect, it } from 'vitest';
import { expectClose } from '../../testing/compare.ts';
import { ropeFrequencies } from './ropeFrequencies.ts';

it('decreases geometrically from 1 to theta^(2/D − 1)', () => {
  const scaling = { rope_type: 'default' } as const;
  const frequencies = ropeFrequencies({ dims: 8, theta: 10000, scaling });
  expectClose(frequencies, [1, 0.1, 0.01, 0.001], { rtol: 1e-7 });
  expect(frequencies[1]).toBe(Math.fround(0.1));
});

it('linear scaling divides all frequencies', () => {
  const scaling = { rope_type: 'linear', factor: 4 } as const;
  expectClose(ropeFrequencies({ dims: 4, theta: 100, scaling }), [0.25, 0.025], { rtol: 1e-7 });
});

it('llama3 scaling preserves high frequencies, divides low ones and blends those between', () => {
  const frequencies = ropeFrequencies({
    dims: 16,
    theta: 500000,
    scaling: {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 256,
    },
  });
  // Wavelengths 6.3 and 32 are below 256/4; 167 lies between; 861 and more are above 256. The values are those of
  // transformers' formula, evaluated in Python.
  const expected = [
    1, 0.19392274474868576, 0.007638111512411543, 0.00022789577303803464, 4.419417382415922e-5,
    8.570255489881478e-6, 1.661967467795309e-6, 3.2229329303788936e-7,
  ];
  expectClose(frequencies, expected, { rtol: 1e-6 });
});
