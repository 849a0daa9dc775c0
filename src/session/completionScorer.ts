import { rewardNames } from '../base/config/rewards.ts';
import type { Recipe } from '../base/config/recipe.ts';
import { assert, GraftError } from '../base/lib/errors.ts';
import { parseReference } from '../content/data/rows/promptRows.ts';
import type { TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { Vocabulary } from '../content/data/tokenizer/vocabulary.ts';
import { readSchema } from '../content/metrics/jsonSchema.ts';
import { scoreText } from '../content/rewards/scoreText.ts';
import type { SampledCompletions } from '../engine/train/trainOptions.ts';

/**
 * What a run samples and rewards completions with; undefined for objectives that do not. Throws
 * `train.grpo_no_tokenizer`, `train.no_reward_functions`, `data.schema_*`.
 * @param rows of prompts, which know what ends their answers
 */
export function completionScorer(
  { objective, rewards }: Recipe,
  tokenizer: Vocabulary | null,
  rows: TokenRows,
): SampledCompletions | undefined {
  if (objective !== 'grpo') return undefined;
  if (!tokenizer) throw new GraftError('train.grpo_no_tokenizer');
  const names = rewardNames(rewards);
  const [first] = rows.references ?? [];
  assert(first !== undefined, 'rows of prompts have references');
  const scorers = rewards.map((definition, i) => {
    if (definition.kind === 'json' && definition.schema) readSchema(definition.schema);
    if (definition.kind === 'javascript')
      throw new GraftError('train.no_reward_functions', { name: names[i]! });
    return definition;
  });
  return {
    endIds: parseReference(first).endIds,
    scorer: {
      names,
      weights: rewards.map(({ weight = 1 }) => weight),
      async score(completions) {
        return completions.map(({ ids, tokens, reference }) => {
          const known = parseReference(reference);
          const text = tokenizer.decode(ids, { skipSpecialTokens: true });
          return scorers.map((definition) => scoreText(definition, { text, tokens }, known));
        });
      },
    },
  };
}
