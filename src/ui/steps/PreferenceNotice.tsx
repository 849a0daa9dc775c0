import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { isTraining } from '../../store/state.ts';
import type { DatasetSummary } from '../../workers/dataProtocol.ts';
import { Notice } from '../controls/Notice.tsx';
import { t } from '../text/index.ts';

/** Names preference data for what it is, says what becomes of it, and offers the other way. */
export function PreferenceNotice({ preference }: { preference: DatasetSummary['preference'] }) {
  const choice = useStudio((state) => state.recipe.draft.preference_data);
  if (!preference) return null;
  const isChosen = choice === 'chosen';
  return (
    <Notice tone={isChosen ? 'info' : 'warning'}>
      <p className="notice__what">{t(`data.preference.${preference.kind}`, { n: preference.rows })}</p>
      <p>{t(isChosen ? 'data.preferenceChosen' : 'data.preferenceRefused')}</p>
      <div className="row row--tight">{isChosen ? <RefusePreference /> : <TrainChosen />}</div>
    </Notice>
  );
}

/** Takes the better answers of preference data as rows to train on. */
export function TrainChosen() {
  return <Choose choice="chosen" label={t('data.trainChosen')} />;
}

function RefusePreference() {
  return <Choose choice="refuse" label={t('data.refusePreference')} />;
}

function Choose({ choice, label }: { choice: 'chosen' | 'refuse'; label: string }) {
  const setFields = useStudio((state) => state.setFields);
  const disabled = useStudio(isTraining);
  return (
    <Button
      className="button button--small"
      isDisabled={disabled}
      onPress={() => setFields({ preference_data: choice })}
    >
      {label}
    </Button>
  );
}
