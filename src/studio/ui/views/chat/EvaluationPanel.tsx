import { Button, Checkbox, CheckboxGroup, Input, Label, TextArea, TextField } from 'react-aria-components';
import type { EvaluationReport } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { pageMetrics, type EvaluationState, type PageMetric } from '../../../store/state/evaluation.ts';
import { votedCsv, withVotes } from '../../../store/votes.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { downloadFile } from '../../files.ts';
import { t } from '../../text/index.ts';
import { authorText } from './authorText.ts';
import { EvaluatedRows, EvaluationFigures } from './EvaluationTables.tsx';
import { heldOutName } from './heldOutName.ts';
import { ProblemList } from './ProblemList.tsx';
import { SourceChoice } from './SourceChoice.tsx';
import { Voting } from './Voting.tsx';

/** Scores of the held-out rows: of the base, and of what answers besides. */
export function EvaluationPanel() {
  const { status, step, authors, report, voting, problems, error } = useStudio((state) => state.evaluation);
  const loading = useStudio((state) => state.tryout.loading);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const names = authors.map((author) => authorText(author, model));
  return (
    <div className="batch">
      <Rows />
      <Metrics />
      <Controls />
      {status === 'reading' && <ProgressLine label={t('evaluate.reading')} progress={null} />}
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      {step && (
        <ProgressLine
          label={t(`evaluate.${step.part}`, { name: names[step.system] ?? '' })}
          progress={{ done: step.done, total: step.total, unit: 'rows' }}
        />
      )}
      <ErrorNotice error={error} />
      <ProblemList problems={problems} />
      {report ? (
        <>
          <EvaluationFigures report={report} names={names} />
          <Voting report={report} names={names} />
          {/* Names beside answers would tell whose they are. */}
          {voting === null && <EvaluatedRows report={report} names={names} />}
        </>
      ) : (
        <p className="conversation__empty">{t('evaluate.none')}</p>
      )}
    </div>
  );
}

/** Which rows are scored. */
function Rows() {
  const { source, file } = useStudio((state) => state.evaluation);
  const setEvaluation = useStudio((state) => state.setEvaluation);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  const help = source === 'file' ? 'evaluate.fileHelp' : heldOut > 0 ? 'evaluate.help' : 'evaluate.noHeldOut';
  return (
    <div className="batch__source">
      <SourceChoice
        label={t('evaluate.source')}
        value={source}
        options={[
          { value: 'heldOut', name: heldOutName(heldOut) },
          { value: 'file', name: file?.name ?? t('evaluate.file') },
        ]}
        disabled={busy}
        onChange={(value) => setEvaluation({ source: value })}
      />
      {source === 'file' && (
        <FileButton
          label={t('evaluate.chooseFile')}
          icon="file"
          accept=".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt"
          disabled={busy}
          onFiles={([first]) => first && setEvaluation({ file: first.file })}
        />
      )}
      <p className="remark">{t(help)}</p>
    </div>
  );
}

/** Which metrics are computed, and what they need. */
function Metrics() {
  const { metrics, source, pattern, schema, tolerance, shots } = useStudio((state) => state.evaluation);
  const setMetrics = useStudio((state) => state.setMetrics);
  const setEvaluation = useStudio((state) => state.setEvaluation);
  const busy = useStudio((state) => busyWith(state) !== null);
  const offered = pageMetrics.filter((name) => name !== 'choice' || source === 'file');
  return (
    <div className="batch__source">
      <CheckboxGroup
        className="evaluate__metrics"
        aria-label={t('evaluate.metrics')}
        value={[...metrics]}
        onChange={(names) => setMetrics(names as PageMetric[])}
        isDisabled={busy}
      >
        {offered.map((name) => (
          <Checkbox key={name} value={name} className="check">
            <span className="check__box" aria-hidden="true" />
            {t(`evaluate.metric.${name}`)}
          </Checkbox>
        ))}
      </CheckboxGroup>
      {metrics.includes('number') && (
        <NumberInput
          label={t('evaluate.tolerance')}
          text={tolerance}
          disabled={busy}
          onText={(text) => setEvaluation({ tolerance: text })}
        />
      )}
      {metrics.includes('choice') && source === 'file' && (
        <NumberInput
          label={t('evaluate.shots')}
          help={t('evaluate.shotsHelp')}
          text={shots}
          disabled={busy}
          onText={(text) => setEvaluation({ shots: text })}
        />
      )}
      {metrics.includes('regex') && (
        <TextField
          className="field"
          value={pattern}
          onChange={(value) => setEvaluation({ pattern: value })}
          isDisabled={busy}
        >
          <Label>{t('evaluate.pattern')}</Label>
          <Input className="mono" placeholder="^\d+$" autoComplete="off" spellCheck={false} />
        </TextField>
      )}
      {metrics.includes('schema') && (
        <TextField
          className="field"
          value={schema}
          onChange={(value) => setEvaluation({ schema: value })}
          isDisabled={busy}
        >
          <Label>{t('evaluate.schema')}</Label>
          <TextArea className="mono" rows={3} placeholder='{"type": "object"}' spellCheck={false} />
        </TextField>
      )}
    </div>
  );
}

function Controls() {
  const { status, report, metrics, source, file } = useStudio((state) => state.evaluation);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  const runEvaluation = useStudio((state) => state.runEvaluation);
  const stopEvaluation = useStudio((state) => state.stopEvaluation);
  const hasRows = source === 'file' ? file !== null : heldOut > 0;
  return (
    <div className="row batch__controls">
      {isRunning(status) ? (
        <Button className="button" isDisabled={status === 'stopping'} onPress={() => void stopEvaluation()}>
          <Icon name="stop" />
          {t('evaluate.stop')}
        </Button>
      ) : (
        <Button
          className="button button--primary"
          isDisabled={busy || !hasRows || metrics.length === 0}
          onPress={() => void runEvaluation()}
        >
          {source === 'file' ? t('evaluate.runFile') : t('evaluate.run', { n: heldOut })}
        </Button>
      )}
      {report && <Downloads report={report} />}
    </div>
  );
}

function Downloads({ report }: { report: EvaluationReport }) {
  const votes = useStudio((state) => state.evaluation.votes);
  const csv = () => new Blob([votedCsv(report, votes)], { type: 'text/csv' });
  const json = () =>
    new Blob([`${JSON.stringify(withVotes(report, votes), null, 2)}\n`], { type: 'application/json' });
  return (
    <>
      <Button className="button button--quiet" onPress={() => downloadFile(csv(), 'evaluation.csv')}>
        <Icon name="download" />
        {t('batch.csv')}
      </Button>
      <Button className="button button--quiet" onPress={() => downloadFile(json(), 'evaluation.json')}>
        <Icon name="download" />
        {t('evaluate.json')}
      </Button>
    </>
  );
}

function isRunning(status: EvaluationState['status']): boolean {
  return status === 'running' || status === 'stopping';
}
