import { Button } from 'react-aria-components';
import type { RewardDefinition } from '../../../../base/config/rewards.ts';
import { useStudio } from '../../../store/index.ts';
import { t } from '../../text/index.ts';

/** What an answer is compared with its row's for, as it is: the other kinds are for those who write them. */
const kinds = ['exact', 'contains', 'number', 'json'] as const satisfies readonly RewardDefinition['kind'][];

/** Adds a reward to the recipe's list with one press. */
export function AddReward({ disabled }: { disabled: boolean }) {
  const rewards = useStudio((state) => state.recipe.draft.rewards);
  const setFields = useStudio((state) => state.setFields);
  const rest = kinds.filter((kind) => !rewards.some((reward) => reward.kind === kind));
  if (rest.length === 0) return null;
  return (
    <div className="presets">
      <span>{t('rewards.add')}</span>
      {rest.map((kind) => (
        <Button
          key={kind}
          className="chip chip--words"
          isDisabled={disabled}
          aria-label={t('rewards.addName', { name: t(`evaluate.metric.${kind}`) })}
          onPress={() => setFields({ rewards: [...rewards, { kind }] })}
        >
          {t(`evaluate.metric.${kind}`)}
        </Button>
      ))}
    </div>
  );
}
