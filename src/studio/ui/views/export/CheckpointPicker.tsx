import { useEffect } from 'react';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { formatLoss } from '../../format.ts';
import { t } from '../../text/index.ts';

/** Selects the state of a stored run that answers and is exported: the last or an earlier one. */
export function CheckpointPicker() {
  const adapter = useStudio((state) => state.adapter);
  const id = adapter?.origin === 'trained' ? adapter.run : null;
  const checkpoints = useStudio(({ runs }) =>
    runs.choices?.id === id ? runs.choices.checkpoints : undefined,
  );
  const readCheckpoints = useStudio((state) => state.readCheckpoints);
  const take = useStudio((state) => state.takeCheckpoint);
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  useEffect(() => {
    if (id !== null) void readCheckpoints(id);
  }, [id, readCheckpoints]);
  if (id === null || adapter?.origin !== 'trained' || !checkpoints || checkpoints.length < 2) return null;
  return (
    <SelectInput
      label={t('runs.picker')}
      value={String(adapter.steps)}
      options={checkpoints.toReversed().map(({ step, evalLoss, best }) => ({
        value: String(step),
        label: [
          t('runs.checkpointStep', { step }),
          ...(evalLoss === null ? [] : [t('runs.evalLoss', { loss: formatLoss(evalLoss) })]),
          ...(best ? [t('runs.bestMark')] : []),
        ].join(' · '),
      }))}
      onChange={(step) => void take(id, Number(step))}
      disabled={busy}
    />
  );
}
