import { useEffect } from 'react';
import { useStudio } from '../../../store/index.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { Fold } from '../../controls/Fold.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';
import { Comparison } from './Comparison.tsx';
import { RunDetails } from './RunDetails.tsx';
import { RunsError } from './RunSafety.tsx';
import { RunTable } from './RunTable.tsx';

/** All runs stored on this device: compare, resume, import, export, delete. */
export function RunHistory() {
  const entries = useStudio((state) => state.runs.entries);
  const known = useStudio((state) => state.runs.known);
  const working = useStudio((state) => state.runs.working);
  const importRun = useStudio((state) => state.importRun);
  const compares = useStudio((state) => Object.keys(state.runs.compared).length > 0);
  const openId = useStudio((state) => state.runs.open?.id ?? null);
  const error = useStudio((state) => state.runs.error);
  const refresh = useStudio((state) => state.refreshRuns);
  const ended = useStudio((state) => state.run.status === 'done' || state.run.status === 'failed');
  useEffect(() => {
    if (ended) void refresh();
  }, [ended, refresh]);
  if (!known) return null;
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const counted = t('runs.count', { n: entries.length });
  const note = bytes > 0 ? `${counted} · ${formatBytes(bytes)}` : counted;
  const head = entries.find(({ id }) => id === openId)?.head;
  return (
    <>
      {error && <RunsError />}
      <Fold title={t('runs.title')} note={note}>
        <div className="runs">
          {entries.length === 0 ? <p className="remark">{t('runs.none')}</p> : <RunTable entries={entries} />}
          {head && openId !== null && <RunDetails key={openId} id={openId} head={head} />}
          {compares && <Comparison />}
          <FileButton
            label={t('runs.import')}
            icon="upload"
            accept=".zip"
            kind="quiet"
            disabled={working !== null}
            onFiles={(files) => {
              const [chosen] = files;
              if (chosen) void importRun(chosen.file);
            }}
          />
        </div>
      </Fold>
    </>
  );
}
