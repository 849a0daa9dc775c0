import { createRandom } from '../base/lib/random.ts';
import type { PreferenceObjectiveName } from '../base/config/recipe.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../content/data/tokens/tokenRows.ts';

/** Rows of random tokens as an objective reads them, of these many tokens in the prompt and in each answer. */
export function randomPreferences(
  objective: PreferenceObjectiveName,
  lengths: readonly (readonly [prompt: number, chosen: number, rejected: number])[],
  { vocab = 40, seed = 3 } = {},
): TokenRows {
  const random = createRandom(seed);
  const some = (length: number) => Array.from({ length }, () => random.below(vocab));
  const sequence = (prompt: number[], answer: number[], trainsPrompt = false) => {
    const ids = [...prompt, ...answer];
    const labels = ids.map((id, i) => (i > 0 && (trainsPrompt || i >= prompt.length) ? id : -100));
    return { ids, labels };
  };
  return tokenRowsOf(
    lengths.map(([promptLength, chosenLength, rejectedLength], i): TokenRow => {
      const prompt = some(promptLength);
      const chosen = sequence(prompt, some(chosenLength), objective === 'orpo');
      const rejected = sequence(prompt, some(rejectedLength));
      if (objective === 'kto') {
        const good = i % 3 !== 1;
        return { ...(good ? chosen : rejected), mark: { kind: 'labels', value: Number(good) } };
      }
      return {
        ids: [...chosen.ids, ...rejected.ids],
        labels: [...chosen.labels, ...rejected.labels],
        mark: { kind: 'pairs', value: chosen.ids.length },
      };
    }),
  );
}
