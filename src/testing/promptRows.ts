import { createRandom } from '../base/lib/random.ts';
import { tokenRowsOf, type TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { SampledCompletions } from '../engine/train/trainOptions.ts';

/** Prompts of random tokens of these lengths, as GRPO reads them. */
export function randomPrompts(lengths: readonly number[], { vocab = 40, seed = 3 } = {}): TokenRows {
  const random = createRandom(seed);
  return tokenRowsOf(
    lengths.map((length, row) => {
      const ids = Array.from({ length }, () => random.below(vocab));
      return { ids, labels: ids.map(() => -100), reference: String(row) };
    }),
  );
}

/** Rewards without text: the share of even tokens, and how short a completion is. Some tokens end it. */
export function tokenRewards(vocab = 40): SampledCompletions {
  return {
    endIds: Array.from({ length: vocab >> 3 }, (_, i) => 8 * i + 5),
    scorer: {
      names: ['even', 'short'],
      weights: [1, 0.25],
      score: async (completions) =>
        completions.map(({ ids, tokens }) => [
          ids.length === 0 ? null : ids.filter((id) => id % 2 === 0).length / ids.length,
          1 / tokens,
        ]),
    },
  };
}
