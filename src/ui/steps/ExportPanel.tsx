import { useEffect, useRef } from 'react';
import { Button } from 'react-aria-components';
import { isWholeModel } from '../../store/state.ts';
import { useStudio } from '../../store/index.ts';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { downloadFile } from '../files.ts';
import { formatBytes } from '../format.ts';
import { PushPanel } from '../hub/PushPanel.tsx';
import { t } from '../text/index.ts';
import { AdapterChoice } from './AdapterChoice.tsx';
import { MergedChoice } from './MergedChoice.tsx';
import { Proof } from './Proof.tsx';

/** The result, in the two forms it can be taken away in. */
export function ExportPanel() {
  const exporting = useStudio((state) => state.exporting);
  const dismiss = useStudio((state) => state.dismissExportError);
  const cancelMerge = useStudio((state) => state.cancelMerge);
  const isModel = useStudio(isWholeModel);
  const { merged, folder } = exporting;
  return (
    <div className="part export" id="export">
      <h3>{t('export.title')}</h3>
      <div className="export__choices">
        {!isModel && <AdapterChoice />}
        <MergedChoice />
      </div>
      <ErrorNotice error={exporting.adapterError} onDismiss={dismiss} />
      <ErrorNotice error={exporting.mergeError} onDismiss={dismiss} />
      {exporting.adapterStatus === 'working' && <ProgressLine label={t('export.packing')} progress={null} />}
      {exporting.mergeStatus === 'working' && (
        <div className="merging">
          <ProgressLine
            label={t(exporting.mergeProgress?.phase === 'proving' ? 'phase.proving' : 'export.merging')}
            progress={exporting.mergeProgress}
          />
          <Button className="button button--small" onPress={() => void cancelMerge()}>
            {t('export.cancel')}
          </Button>
        </div>
      )}
      {merged && <Proof proof={merged.proof} losses={merged.losses} />}
      {merged && folder !== null && (
        <Notice tone="good">
          {t('export.savedTo', { folder })}{' '}
          {t('export.files', {
            n: merged.files.length,
            size: formatBytes(merged.files.reduce((sum, { size }) => sum + size, 0)),
          })}
        </Notice>
      )}
      <Downloaded file={exporting.adapterFile} />
      {merged && <Downloaded file={merged.zip} />}
      <PushPanel />
    </div>
  );
}

/** Starts the download of a file that has just been made, and offers it again in case the browser blocked it. */
function Downloaded({ file }: { file: File | null }) {
  const offered = useRef<File | null>(null);
  useEffect(() => {
    if (!file || offered.current === file) return;
    offered.current = file;
    downloadFile(file, file.name);
  }, [file]);
  if (!file) return null;
  return (
    <p className="remark saved">
      <Button className="button button--small" onPress={() => downloadFile(file, file.name)}>
        <Icon name="download" />
        {t('export.saveAgain', { name: file.name })}
      </Button>
      {formatBytes(file.size)}
    </p>
  );
}
