import { busyWith } from '../../../store/state.ts';
import { useStudio } from '../../../store/index.ts';
import { openFiles } from '../../chooseFiles.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { ErrorNotice, Notice, WarningNotice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { t } from '../../text/index.ts';
import { AdaptersDialog } from './AdaptersDialog.tsx';

/** Opens a PEFT folder as the adapter of now; the dialog has all that are at hand. */
export function OpenAdapter() {
  const adapter = useStudio((state) => state.adapter);
  const opening = useStudio((state) => state.openingAdapter);
  const error = useStudio((state) => state.adapterError);
  const dismiss = useStudio((state) => state.dismissAdapterError);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <div className="open-adapter">
      <ErrorNotice error={error} onDismiss={dismiss} />
      {opening && <ProgressLine label={t('try.openingAdapter')} progress={null} />}
      {adapter?.origin === 'opened' && (
        <Notice tone="good">
          {t('try.openedAdapter', { name: adapter.name, rank: adapter.rank, modules: adapter.modules })}
        </Notice>
      )}
      {adapter?.origin === 'opened' &&
        adapter.warnings.map((note) => <WarningNotice key={note.code} note={note} />)}
      <div className="row">
        <p className="remark">
          {adapter ? t('try.openAdapterHint') : `${t('try.noAdapter')} ${t('try.openAdapterHint')}`}
        </p>
        <span className="row">
          <FileButton
            label={t('try.openAdapter')}
            icon="folder"
            folder
            kind="quiet"
            disabled={busy}
            onFiles={openFiles}
          />
          <AdaptersDialog />
        </span>
      </div>
    </div>
  );
}
