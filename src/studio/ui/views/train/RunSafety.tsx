import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { ErrorNote } from '../../../store/errorNote.ts';
import { isTraining } from '../../../store/state.ts';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { formatTime } from '../../format.ts';
import { errorText, t } from '../../text/index.ts';

/** What of the run is on disk, where it resumed, and what to do if it cannot be saved. */
export function RunSafety() {
  const run = useStudio((state) => state.run);
  const { notStored, takenOver, checkpoint, storageFull, resumed, recoveries, id } = run;
  const training = useStudio(isTraining);
  const answer = useStudio((state) => state.answerStorage);
  return (
    <>
      {storageFull && (
        <div className="notice notice--warning" role="alert">
          <div className="notice__text">
            <p className="notice__what">{t('train.storageFull', { step: storageFull.step })}</p>
            <p>{reasonOf(storageFull.error)}</p>
            <p>{t('train.storageFullNext')}</p>
            <div className="row row--tight">
              <Button className="button button--small" onPress={() => void answer('retry')}>
                {t('train.saveAgain')}
              </Button>
              <Button className="button button--small" onPress={() => void answer('skip')}>
                {t('train.saveWithout')}
              </Button>
            </div>
          </div>
        </div>
      )}
      {notStored && (
        <Notice tone="warning">
          <p className="notice__what">{t('train.notStored')}</p>
          <p>{reasonOf(notStored)}</p>
        </Notice>
      )}
      {takenOver && (
        <Notice tone="warning">
          <p className="notice__what">{t('train.takenOver')}</p>
          <p>{t('train.takenOverNext')}</p>
        </Notice>
      )}
      {resumed && resumed.passedOver > 0 && (
        <Notice tone="warning">{t('train.passedOver', { n: resumed.passedOver })}</Notice>
      )}
      {recoveries > 0 && <Notice tone="info">{t('train.recovered', { n: recoveries })}</Notice>}
      {id !== null && training && (
        <p className="remark">
          {checkpoint
            ? t('train.saved', { step: checkpoint.step, time: formatTime(checkpoint.at) })
            : t('train.notYetSaved')}{' '}
          {resumed && recoveries === 0 && t('train.resumedAt', { step: resumed.step })}
        </p>
      )}
    </>
  );
}

/** What happened, without what to do: that depends on the run. */
function reasonOf({ code, params, message }: ErrorNote): string {
  return code ? errorText(code, params).what : message;
}

/** Errors of stored runs. */
export function RunsError() {
  const error = useStudio((state) => state.runs.error);
  const dismiss = useStudio((state) => state.dismissRunsError);
  return <ErrorNotice error={error} onDismiss={dismiss} />;
}
