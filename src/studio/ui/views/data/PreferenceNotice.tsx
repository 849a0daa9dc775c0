import { Button } from 'react-aria-components';
import type { Recipe } from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import type { DatasetSummary } from '../../../../hosts/browser/dataProtocol.ts';
import { Notice } from '../../controls/Notice.tsx';
import { t } from '../../text/index.ts';

type Kind = NonNullable<DatasetSummary['preference']>['kind'];

/** Identifies preference data, says how it is used, and offers the alternatives. */
export function PreferenceNotice({ preference }: { preference: DatasetSummary['preference'] }) {
  const choice = useStudio((state) => state.recipe.draft.preference_data);
  const objective = useStudio((state) => state.recipe.draft.objective);
  if (!preference) return null;
  const { kind, rows } = preference;
  const isUsed = objective !== 'sft';
  const isChosen = choice === 'chosen';
  return (
    <Notice tone={isUsed || isChosen ? 'info' : 'warning'}>
      <p className="notice__what">{t(`data.preference.${kind}`, { n: rows })}</p>
      <p>
        {isUsed
          ? t('data.preferenceBoth', { objective: objective.toUpperCase() })
          : t(isChosen ? 'data.preferenceChosen' : 'data.preferenceRefused')}
      </p>
      <div className="row row--tight">
        {!isUsed && <TrainBoth kind={kind} />}
        {isUsed || !isChosen ? <TrainChosen /> : <RefusePreference />}
      </div>
    </Notice>
  );
}

/** Asks what to do with a file of nothing but preference data: no error, but without an answer nothing is trained on. */
export function PreferenceQuestion({
  preference,
}: {
  preference: NonNullable<DatasetSummary['preference']>;
}) {
  const { kind, rows } = preference;
  return (
    <div role="alert">
      <Notice tone="warning">
        <p className="notice__what">{t(`data.preference.${kind}`, { n: rows })}</p>
        <p>{t('data.preferenceAsk')}</p>
        <div className="row row--tight">
          <TrainBoth kind={kind} />
          <TrainChosen />
        </div>
      </Notice>
    </div>
  );
}

/** Learns from the better and the worse answers. */
function TrainBoth({ kind }: { kind: Kind }) {
  return kind === 'pairs' ? (
    <Choose fields={{ objective: 'dpo' }} label={t('data.trainPairs')} />
  ) : (
    <Choose fields={{ objective: 'kto' }} label={t('data.trainLabels')} />
  );
}

/** Uses the better answers of preference data as training rows. */
function TrainChosen() {
  return <Choose fields={{ objective: 'sft', preference_data: 'chosen' }} label={t('data.trainChosen')} />;
}

function RefusePreference() {
  return <Choose fields={{ preference_data: 'refuse' }} label={t('data.refusePreference')} />;
}

function Choose({ fields, label }: { fields: Partial<Recipe>; label: string }) {
  const setFields = useStudio((state) => state.setFields);
  const disabled = useStudio(isTraining);
  return (
    <Button className="button button--small" isDisabled={disabled} onPress={() => setFields(fields)}>
      {label}
    </Button>
  );
}
