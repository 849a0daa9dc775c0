import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import { t } from '../text/index.ts';
import { takeUpdate, useOffline } from './offline.ts';

/** Announces that the page works offline, and offers a newer version; never in the middle of a job. */
export function OfflineNote() {
  const { isReady, hasUpdate } = useOffline();
  const isBusy = useStudio((state) => busyWith(state) !== null);
  if (hasUpdate)
    return (
      <p className="footer__note" role="status">
        {t(isBusy ? 'offline.updateLater' : 'offline.update')}{' '}
        {!isBusy && (
          <button type="button" className="button button--small" onClick={takeUpdate}>
            {t('offline.take')}
          </button>
        )}
      </p>
    );
  return isReady ? <p className="footer__note">{t('offline.ready')}</p> : null;
}
