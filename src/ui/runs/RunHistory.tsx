import { useEffect } from 'react';
import { Button, Checkbox } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { canOpenModel } from '../../store/runs.ts';
import { busyWith } from '../../store/state.ts';
import type { RunEntry } from '../../workers/protocol.ts';
import { FileButton } from '../controls/FileButton.tsx';
import { Fold } from '../controls/Fold.tsx';
import { formatBytes, formatLoss, formatMoment } from '../format.ts';
import { t } from '../text/index.ts';
import { CompareChart } from './CompareChart.tsx';
import { RunDetails } from './RunDetails.tsx';
import { RunsError } from './RunSafety.tsx';

/** All runs that are stored on this device: compared, gone on with, taken out, exported, deleted. */
export function RunHistory() {
  const entries = useStudio((state) => state.runs.entries);
  const known = useStudio((state) => state.runs.known);
  const working = useStudio((state) => state.runs.working);
  const importRun = useStudio((state) => state.importRun);
  const compares = useStudio((state) => Object.keys(state.runs.compared).length > 0);
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
  return (
    <>
      {error && <RunsError />}
      <Fold title={t('runs.title')} note={note}>
        <div className="runs">
          {entries.length === 0 && <p className="remark">{t('runs.none')}</p>}
          {compares && <CompareChart />}
          <ul className="runs__list">
            {entries.map((entry) => (
              <RunItem key={entry.id} entry={entry} />
            ))}
          </ul>
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

function RunItem({ entry: { id, head } }: { entry: RunEntry }) {
  const isOpen = useStudio((state) => state.runs.open?.id === id);
  const open = useStudio((state) => state.openRun);
  const remove = useStudio((state) => state.removeRun);
  const compared = useStudio((state) => id in state.runs.compared);
  const compare = useStudio((state) => state.compareRun);
  const resume = useStudio((state) => state.resumeRun);
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  const possible = useStudio((state) => canOpenModel(state, id));
  if (!head) {
    return (
      <li className="run">
        <span className="run__name">{t('runs.damaged', { id })}</span>
        <Button className="button button--small" isDisabled={busy} onPress={() => remove(id)}>
          {t('runs.delete')}
        </Button>
      </li>
    );
  }
  const { name, status, progress, createdAt, base } = head;
  const goesOn = ['cut', 'paused', 'stopped', 'failed'].includes(status);
  const facts = [
    base.name,
    t('runs.steps', { step: progress.step, total: progress.totalSteps }),
    ...(progress.loss === null ? [] : [t('runs.loss', { loss: formatLoss(progress.loss) })]),
    ...(progress.evalLoss === null ? [] : [t('runs.evalLoss', { loss: formatLoss(progress.evalLoss) })]),
    formatMoment(createdAt),
  ];
  return (
    <li className="run" data-status={status}>
      <div className="run__head">
        <span className="run__text">
          <span className="run__name">
            {name} <span className="run__status">{t(`runs.status.${status}`)}</span>
          </span>
          <span className="found__note">{facts.join(' · ')}</span>
        </span>
        <span className="row row--tight">
          <Checkbox
            className="check"
            isSelected={compared}
            onChange={(shown) => void compare(id, shown)}
            aria-label={t('runs.compareName', { name })}
          >
            <span className="check__box" aria-hidden="true" />
            {t('runs.compare')}
          </Checkbox>
          {goesOn && possible && (
            <Button
              className="button button--small"
              aria-label={t('runs.resumeName', { name })}
              isDisabled={busy}
              onPress={() => void resume(id)}
            >
              {t('runs.resume')}
            </Button>
          )}
          <Button
            className="button button--small"
            aria-expanded={isOpen}
            aria-label={t(isOpen ? 'runs.hideName' : 'runs.showName', { name })}
            onPress={() => void open(isOpen ? null : id)}
          >
            {t(isOpen ? 'runs.hide' : 'runs.show')}
          </Button>
        </span>
      </div>
      {isOpen && <RunDetails id={id} head={head} />}
    </li>
  );
}
