import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { canOpenModel } from '../../../store/runs.ts';
import { busyWith } from '../../../store/state.ts';
import { Notice } from '../../controls/Notice.tsx';
import { t } from '../../text/index.ts';

/** What became of a merge whose page was closed or reloaded, and how it is done again. */
export function InterruptedMerge() {
  const merge = useStudio((state) => state.interruptedMerge);
  const forget = useStudio((state) => state.forgetInterruptedMerge);
  const take = useStudio((state) => state.takeCheckpoint);
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  const name = useStudio(
    ({ runs }) => runs.entries.find(({ id }) => id === merge?.run?.id)?.head?.name ?? null,
  );
  const possible = useStudio((store) => Boolean(merge?.run && canOpenModel(store, merge.run.id)));
  const hasResult = useStudio((store) => store.adapter !== null);
  if (!merge) return null;
  const { folder, run } = merge;
  return (
    <Notice tone="warning">
      <p className="notice__what">{t('export.interrupted')}</p>
      <p>{folder === null ? t('export.interruptedZip') : t('export.interruptedFolder', { folder })}</p>
      {!hasResult && <p>{t(name === null ? 'export.interruptedLost' : 'export.interruptedLoad')}</p>}
      <div className="row row--tight">
        {!hasResult && run && name !== null && possible && (
          <Button
            className="button button--primary"
            isDisabled={busy}
            onPress={() => void take(run.id, run.step)}
          >
            {t('export.loadResult', { step: run.step, name })}
          </Button>
        )}
        <Button className="button button--small" onPress={forget}>
          {t('error.dismiss')}
        </Button>
      </div>
    </Notice>
  );
}
