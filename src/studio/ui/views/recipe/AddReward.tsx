import { Button } from 'react-aria-components';
import type { RewardDefinition } from '../../../../base/config/rewards.ts';
import { useStudio } from '../../../store/index.ts';
import { t } from '../../text/index.ts';

/** What an answer is compared with its row's for, as it is: the other kinds are for those who write them. */
const kinds = ['exact', 'contains', 'number', 'json'] as const satisfies readonly RewardDefinition['kind'][];

/** What a new function begins as: 1 where the answer contains the reference. */
const FIRST_SOURCE = '(text, row) => (row.answer !== null && text.includes(row.answer) ? 1 : 0)';

/** Adds a reward to the recipe's list with one press. */
export function AddReward({ disabled }: { disabled: boolean }) {
  const rewards = useStudio((state) => state.recipe.draft.rewards);
  const setFields = useStudio((state) => state.setFields);
  const rest = kinds.filter((kind) => !rewards.some((reward) => reward.kind === kind));
  const choices: { text: string; reward: RewardDefinition }[] = [
    ...rest.map((kind) => ({ text: t(`evaluate.metric.${kind}`), reward: { kind } })),
    { text: t('rewards.function'), reward: { kind: 'javascript', source: FIRST_SOURCE } },
  ];
  return (
    <div className="presets">
      <span>{t('rewards.add')}</span>
      {choices.map(({ text, reward }) => (
        <Button
          key={reward.kind}
          className="chip chip--words"
          isDisabled={disabled}
          aria-label={t('rewards.addName', { name: text })}
          onPress={() => setFields({ rewards: [...rewards, reward] })}
        >
          {text}
        </Button>
      ))}
    </div>
  );
}
