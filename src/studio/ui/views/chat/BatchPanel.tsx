import { Button, Label, TextArea, TextField } from 'react-aria-components';
import { answeredRows, canResumeBatch } from '../../../store/batch.ts';
import { batchCsv } from '../../../store/batchReport.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import type { BatchState } from '../../../store/state/batch.ts';
import { sideIds } from '../../../store/state/tryout.ts';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { downloadFile } from '../../files.ts';
import { formatDuration } from '../../format.ts';
import { t } from '../../text/index.ts';
import { authorText } from './authorText.ts';
import { BatchTable } from './BatchTable.tsx';
import { heldOutName } from './heldOutName.ts';
import { ProblemList } from './ProblemList.tsx';
import { SidePicker } from './SidePicker.tsx';
import { SourceChoice } from './SourceChoice.tsx';

/** Many prompts at once: those of held-out rows, or pasted ones, with a table of the answers. */
export function BatchPanel() {
  const { skipped, problems, rows, error, status } = useStudio((state) => state.batch);
  const loading = useStudio((state) => state.tryout.loading);
  return (
    <div className="batch">
      <div className="conversation__heads">
        {sideIds.map((side) => (
          <SidePicker key={side} side={side} />
        ))}
      </div>
      <Prompts />
      <Controls />
      {status === 'reading' && <ProgressLine label={t('batch.reading')} progress={null} />}
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      <ErrorNotice error={error} />
      {skipped > 0 && <p className="remark">{t('batch.skipped', { n: skipped })}</p>}
      <ProblemList problems={problems} />
      {rows.length > 0 ? (
        <BatchTable />
      ) : (
        <p className="conversation__empty">
          {t(skipped + problems.length > 0 ? 'batch.noPrompts' : 'batch.none')}
        </p>
      )}
    </div>
  );
}

/** Where the prompts come from. */
function Prompts() {
  const { source, pasted } = useStudio((state) => state.batch);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const setBatch = useStudio((state) => state.setBatch);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <div className="batch__source">
      <SourceChoice
        label={t('batch.prompts')}
        value={source}
        options={[
          { value: 'heldOut', name: heldOutName(heldOut) },
          { value: 'pasted', name: t('batch.pasted') },
        ]}
        disabled={busy}
        onChange={(value) => setBatch({ source: value })}
      />
      {source === 'heldOut' ? (
        <p className="remark">
          {t('unit.sentences', {
            first: t(heldOut > 0 ? 'batch.heldOutHelp' : 'batch.noHeldOutHelp'),
            second: t('batch.system'),
          })}
        </p>
      ) : (
        <TextField
          className="field"
          value={pasted}
          onChange={(value) => setBatch({ pasted: value })}
          isDisabled={busy}
        >
          <Label>{t('batch.pastedLabel')}</Label>
          <TextArea rows={3} placeholder={t('batch.pastedHint')} spellCheck={false} />
        </TextField>
      )}
    </div>
  );
}

function Controls() {
  const batch = useStudio((state) => state.batch);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const resumable = useStudio(canResumeBatch);
  const runBatch = useStudio((state) => state.runBatch);
  const resumeBatch = useStudio((state) => state.resumeBatch);
  const stopBatch = useStudio((state) => state.stopBatch);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const busy = useStudio((state) => busyWith(state) !== null);
  const { source, pasted, rows, status } = batch;
  const ready = !busy && (source === 'heldOut' ? heldOut > 0 : pasted.trim() !== '');
  const saveCsv = () => {
    const sides = sideIds.filter((side) => batch.authors?.[side]);
    const names = [
      'line',
      'prompt',
      'expected',
      ...sides.map((side) => authorText(batch.authors![side]!, model)),
    ];
    downloadFile(new Blob([batchCsv(rows, sides, names)], { type: 'text/csv' }), 'answers.csv');
  };
  return (
    <div className="row batch__controls">
      {status === 'running' ? (
        <Button className="button" onPress={() => void stopBatch()}>
          <Icon name="stop" />
          {t('batch.stop')}
        </Button>
      ) : (
        <>
          {resumable && (
            <Button className="button button--primary" isDisabled={busy} onPress={() => void resumeBatch()}>
              {t('batch.resume')}
            </Button>
          )}
          <Button
            className={resumable ? 'button' : 'button button--primary'}
            isDisabled={!ready}
            onPress={() => void runBatch()}
          >
            {t(rows.length > 0 ? 'batch.again' : 'batch.run')}
          </Button>
        </>
      )}
      {rows.length > 0 && (
        <>
          <p className="batch__progress" role="status">
            {progressOf(batch)}
          </p>
          <Button className="button button--quiet" onPress={saveCsv}>
            <Icon name="download" />
            {t('batch.csv')}
          </Button>
        </>
      )}
    </div>
  );
}

/** How far the batch is, and for how long it still runs. */
function progressOf(batch: BatchState): string {
  const { rows, status, secondsPerRow } = batch;
  const done = answeredRows(batch);
  const progress = t('batch.progress', { done, n: rows.length });
  if (status !== 'running' || secondsPerRow === null) return progress;
  return t('batch.timeLeft', { progress, time: formatDuration(secondsPerRow * (rows.length - done)) });
}
