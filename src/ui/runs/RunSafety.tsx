import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { isTraining } from '../../store/state.ts';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { formatTime } from '../format.ts';
import { errorText, t } from '../text/index.ts';

/** How safe the run is: what is on disk of it, where it went on, and what to do where it cannot be saved. */
export function RunSafety() {
  const { notStored, checkpoint, storageFull, resumed, recoveries, id } = useStudio((state) => state.run);
  const training = useStudio(isTraining);
  const answer = useStudio((state) => state.answerStorage);
  return (
    <>
      {storageFull && (
        <div className="notice notice--warning" role="alert">
          <div className="notice__text">
            <p className="notice__what">{t('train.storageFull', { step: storageFull.step })}</p>
            <p>{t('train.storageFullNext')}</p>
            <div className="row row--tight">
              <Button className="button button--small" onPress={() => void answer('again')}>
                {t('train.saveAgain')}
              </Button>
              <Button className="button button--small" onPress={() => void answer('without')}>
                {t('train.saveWithout')}
              </Button>
            </div>
          </div>
        </div>
      )}
      {notStored && (
        <Notice tone="warning">
          <p className="notice__what">{t('train.notStored')}</p>
          <p>{notStored.code ? errorText(notStored.code, notStored.params).what : notStored.message}</p>
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

/** What went wrong with stored runs. */
export function RunsError() {
  const error = useStudio((state) => state.runs.error);
  const dismiss = useStudio((state) => state.dismissRunsError);
  return <ErrorNotice error={error} onDismiss={dismiss} />;
}
