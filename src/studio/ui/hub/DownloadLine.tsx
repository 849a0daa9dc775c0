import { Button } from 'react-aria-components';
import { isDownloading } from '../../store/state/download.ts';
import { useStudio } from '../../store/index.ts';
import { Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { t } from '../text/index.ts';
import { HubError } from './HubError.tsx';
import { paceOf } from './pace.ts';

/** The current download, or how the last one ended if it did not complete. */
export function DownloadLine() {
  const download = useStudio((state) => state.download);
  const running = useStudio(isDownloading);
  const cancel = useStudio((state) => state.cancelDownload);
  const dismiss = useStudio((state) => state.dismissDownload);
  const { status, model, progress, error } = download;
  if (model === null) return null;
  const { repo } = model;
  return (
    <>
      <HubError error={error} onDismiss={dismiss} />
      {status === 'waiting' && <p className="remark">{t('hub.waiting', { repo })}</p>}
      {status === 'stopped' && <Notice tone="info">{t('hub.stopped')}</Notice>}
      {running && (
        <div className="merging">
          <ProgressLine
            label={status === 'stopping' ? t('hub.stopping') : t('hub.downloading', { repo })}
            progress={
              progress && {
                done: progress.bytesDone,
                total: progress.bytesTotal,
                unit: 'bytes',
              }
            }
            note={progress && paceOf(progress)}
          />
          <Button
            className="button button--small"
            isDisabled={status === 'stopping'}
            onPress={() => void cancel()}
          >
            {t('hub.cancel')}
          </Button>
        </div>
      )}
    </>
  );
}
