import { rewardNames } from '../base/config/rewards.ts';
import type { Recipe } from '../base/config/recipe.ts';
import { assert, GraftError } from '../base/lib/errors.ts';
import { parseReference } from '../content/data/rows/promptRows.ts';
import type { TokenRows } from '../content/data/tokens/tokenRows.ts';
import type { Vocabulary } from '../content/data/tokenizer/vocabulary.ts';
import { readSchema } from '../content/metrics/jsonSchema.ts';
import type { FunctionInput, RewardFunction } from '../content/rewards/functions.ts';
import { ScoringGuard } from '../content/rewards/scoringGuard.ts';
import { scoringInThread, type NamedReward } from '../content/rewards/scoringService.ts';
import type { SampledCompletions, ScoredCompletion } from '../engine/train/trainOptions.ts';
import type { Host } from './host.ts';

/** How long a function may take for a completion, where the recipe does not say. */
const SECONDS = 1;

/** What rewards the completions of a run, and what is to be ended after it. */
export interface CompletionScorer {
  sampling: SampledCompletions;
  end(): void;
}

/**
 * What a run samples and rewards completions with; null for objectives that do not. Throws `train.grpo_no_tokenizer`,
 * `train.no_reward_functions`, `train.reward_*`, `data.schema_*`.
 * @param rows of prompts, which know what ends their answers
 */
export async function completionScorer(
  host: Pick<Host, 'rewardFunctions' | 'startScoring'>,
  { objective, rewards }: Recipe,
  tokenizer: Vocabulary | null,
  rows: TokenRows,
): Promise<CompletionScorer | null> {
  if (objective !== 'grpo') return null;
  if (!tokenizer) throw new GraftError('train.grpo_no_tokenizer');
  const names = rewardNames(rewards);
  const [first] = rows.references ?? [];
  assert(first !== undefined, 'rows of prompts have references');
  for (const definition of rewards)
    if (definition.kind === 'json' && definition.schema) readSchema(definition.schema);
  const functions = rewards.flatMap((definition, i): RewardFunction[] => {
    if (definition.kind !== 'javascript') return [];
    const { source, seconds = SECONDS } = definition;
    return [{ name: names[i]!, source, seconds }];
  });
  if (functions[0] && !host.rewardFunctions)
    throw new GraftError('train.no_reward_functions', { name: functions[0].name });
  const texts = rewards.flatMap((definition, i): NamedReward[] =>
    definition.kind === 'javascript' ? [] : [{ name: names[i]!, definition }],
  );
  const called = functions.length > 0 ? await host.rewardFunctions!(functions) : null;
  const scoring = new ScoringGuard(host.startScoring ?? scoringInThread);

  const inputOf = ({ ids, tokens, ended, reference }: ScoredCompletion): FunctionInput => {
    const { answer, columns } = parseReference(reference);
    const text = tokenizer.decode(ids, { skipSpecialTokens: true });
    return { text, row: { answer, columns, tokens, ended } };
  };
  return {
    end() {
      called?.end();
      scoring.end();
    },
    sampling: {
      endIds: parseReference(first).endIds,
      scorer: {
        names,
        weights: rewards.map(({ weight = 1 }) => weight),
        async score(completions) {
          const inputs = completions.map(inputOf);
          const ofFunctions = await called?.score(inputs);
          const ofTexts = await scoring.rewards(
            texts,
            inputs.map(({ text, row }) => ({ text, tokens: row.tokens, row })),
          );
          return inputs.map((_, i) => {
            let [function_, text] = [0, 0];
            return rewards.map(({ kind }) =>
              kind === 'javascript' ? ofFunctions![i]![function_++]! : ofTexts[i]![text++]!,
            );
          });
        },
      },
    },
  };
}
