import { Button, Checkbox, CheckboxGroup } from 'react-aria-components';
import type { EvaluationOutcome } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { pageMetrics, type EvaluationState, type PageMetric } from '../../../store/state/evaluation.ts';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { downloadFile } from '../../files.ts';
import { t } from '../../text/index.ts';
import { problemText } from '../data/DataProblems.tsx';
import { authorText } from './authorText.ts';
import { EvaluatedRows, EvaluationFigures } from './EvaluationTables.tsx';

/** Scores of the held-out rows: of the base, and of what answers besides. */
export function EvaluationPanel() {
  const { status, step, authors, outcome, problems, error } = useStudio((state) => state.evaluation);
  const loading = useStudio((state) => state.tryout.loading);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const names = authors.map((author) => authorText(author, model));
  return (
    <div className="batch">
      <Metrics />
      <Controls />
      {status === 'reading' && <ProgressLine label={t('evaluate.reading')} progress={null} />}
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      {step && (
        <ProgressLine
          label={t(step.part === 'losses' ? 'evaluate.losses' : 'evaluate.answers', {
            name: names[step.system] ?? '',
          })}
          progress={{ done: step.done, total: step.total, unit: 'rows' }}
        />
      )}
      <ErrorNotice error={error} />
      {problems.length > 0 && (
        <ul className="batch__problems">
          {problems.map((problem) => (
            <li key={problem.line}>{problemText(problem)}</li>
          ))}
        </ul>
      )}
      {outcome ? (
        <>
          <EvaluationFigures report={outcome.report} names={names} />
          <EvaluatedRows report={outcome.report} names={names} />
        </>
      ) : (
        <p className="conversation__empty">{t('evaluate.none')}</p>
      )}
    </div>
  );
}

/** Which metrics are computed. */
function Metrics() {
  const metrics = useStudio((state) => state.evaluation.metrics);
  const setMetrics = useStudio((state) => state.setMetrics);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <div className="batch__source">
      <p className="remark">{t(heldOut > 0 ? 'evaluate.help' : 'evaluate.noHeldOut')}</p>
      <CheckboxGroup
        className="evaluate__metrics"
        aria-label={t('evaluate.metrics')}
        value={[...metrics]}
        onChange={(names) => setMetrics(names as PageMetric[])}
        isDisabled={busy}
      >
        {pageMetrics.map((name) => (
          <Checkbox key={name} value={name} className="check">
            <span className="check__box" aria-hidden="true" />
            {t(`evaluate.metric.${name}`)}
          </Checkbox>
        ))}
      </CheckboxGroup>
    </div>
  );
}

function Controls() {
  const { status, outcome, metrics } = useStudio((state) => state.evaluation);
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  const runEvaluation = useStudio((state) => state.runEvaluation);
  const stopEvaluation = useStudio((state) => state.stopEvaluation);
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
          isDisabled={busy || heldOut === 0 || metrics.length === 0}
          onPress={() => void runEvaluation()}
        >
          {t('evaluate.run', { n: heldOut })}
        </Button>
      )}
      {outcome && <Downloads outcome={outcome} />}
    </div>
  );
}

function Downloads({ outcome: { report, csv } }: { outcome: EvaluationOutcome }) {
  const json = () => new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: 'application/json' });
  return (
    <>
      <Button
        className="button button--quiet"
        onPress={() => downloadFile(new Blob([csv], { type: 'text/csv' }), 'evaluation.csv')}
      >
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
