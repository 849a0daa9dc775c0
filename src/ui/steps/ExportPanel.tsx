import { useEffect, useRef } from 'react';
import { Button } from 'react-aria-components';
import { shardSizes } from '../../store/exporting.ts';
import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { SelectInput } from '../controls/SelectInput.tsx';
import { downloadFile } from '../files.ts';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { Proof } from './Proof.tsx';

/** The result, in the two forms it can be taken away in. */
export function ExportPanel() {
  const exporting = useStudio((state) => state.exporting);
  const dismiss = useStudio((state) => state.dismissExportError);
  const cancelMerge = useStudio((state) => state.cancelMerge);
  const { merged, folder } = exporting;
  return (
    <div className="part export">
      <h3>{t('export.title')}</h3>
      <div className="export__choices">
        <AdapterChoice />
        <MergedChoice />
      </div>
      <ErrorNotice error={exporting.adapterError} onDismiss={dismiss} />
      <ErrorNotice error={exporting.mergeError} onDismiss={dismiss} />
      {exporting.adapterStatus === 'working' && <ProgressLine label={t('export.packing')} progress={null} />}
      {exporting.mergeStatus === 'working' && (
        <div className="merging">
          <ProgressLine label={t('export.merging')} progress={exporting.mergeProgress} />
          <Button className="button button--small" onPress={() => void cancelMerge()}>
            {t('export.cancel')}
          </Button>
        </div>
      )}
      {merged && <Proof proof={merged.proof} />}
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
    </div>
  );
}

function AdapterChoice() {
  const exportAdapter = useStudio((state) => state.exportAdapter);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <section className="choice">
      <h4>{t('export.adapter')}</h4>
      <p>{t('export.adapterHelp')}</p>
      <div className="choice__foot">
        <Button className="button" isDisabled={busy} onPress={() => void exportAdapter()}>
          <Icon name="download" />
          {t('export.downloadAdapter')}
        </Button>
      </div>
    </section>
  );
}

function MergedChoice() {
  const merge = useStudio((state) => state.merge);
  const shardSize = useStudio((state) => state.shardSize);
  const setShardSize = useStudio((state) => state.setShardSize);
  const bytes = useStudio((state) => state.model.summary?.bytes ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  const saveToFolder = async () => {
    try {
      const handle = await window.showDirectoryPicker?.({ mode: 'readwrite' });
      if (handle) await merge({ kind: 'directory', handle });
    } catch {
      // The person closed the picker, or refused the folder: nothing was asked for, so nothing is said.
    }
  };
  return (
    <section className="choice">
      <h4>{t('export.merged')}</h4>
      <p>{t('export.mergedHelp', { size: formatBytes(bytes) })}</p>
      <SelectInput
        label={t('export.shardSize')}
        value={shardSize}
        options={shardSizes.map((size) => ({
          value: size,
          label: formatBytes(Number.parseInt(size, 10) * 1e6),
        }))}
        onChange={setShardSize}
        disabled={busy}
      />
      <div className="choice__foot">
        <Button
          className="button button--primary"
          isDisabled={busy}
          onPress={() => void merge({ kind: 'zip' })}
        >
          <Icon name="download" />
          {t('export.downloadMerged')}
        </Button>
        {'showDirectoryPicker' in window && (
          <Button className="button" isDisabled={busy} onPress={() => void saveToFolder()}>
            {t('export.saveFolder')}
          </Button>
        )}
      </div>
    </section>
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
