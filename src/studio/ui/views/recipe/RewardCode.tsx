import { useState } from 'react';
import { rewardNames } from '../../../../base/config/rewards.ts';
import { useStudio } from '../../../store/index.ts';
import { CodeInput } from '../../controls/CodeInput.tsx';
import { t } from '../../text/index.ts';

/** The code of each reward that is a function, apart from the list: as JSON it would be one line. */
export function RewardCode({ disabled }: { disabled: boolean }) {
  const rewards = useStudio((state) => state.recipe.draft.rewards);
  const names = rewardNames(rewards);
  return rewards.map(
    ({ kind }, i) =>
      kind === 'javascript' && <Code key={names[i]} at={i} name={names[i]!} disabled={disabled} />,
  );
}

function Code({ at, name, disabled }: { at: number; name: string; disabled: boolean }) {
  const rewards = useStudio((state) => state.recipe.draft.rewards);
  const setFields = useStudio((state) => state.setFields);
  const [empty, setEmpty] = useState(false);
  const reward = rewards[at];
  if (reward?.kind !== 'javascript') return null;
  return (
    <CodeInput
      label={t('rewards.code', { name })}
      help={t('rewards.codeHelp')}
      text={reward.source}
      problem={empty ? t('rewards.badCode') : null}
      disabled={disabled}
      onText={(source) => {
        setEmpty(source === '');
        if (source !== '') setFields({ rewards: rewards.with(at, { ...reward, source }) });
      }}
    />
  );
}
