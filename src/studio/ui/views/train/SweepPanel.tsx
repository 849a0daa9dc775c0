import { Button } from 'react-aria-components';
import type { SweepReport } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { canOpenModel } from '../../../store/runs.ts';
import { busyWith } from '../../../store/state.ts';
import { runOfSweep, shownSweep } from '../../../store/sweep.ts';
import { Fold } from '../../controls/Fold.tsx';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';
import { CompareChart } from './CompareChart.tsx';
import { SweepSetup } from './SweepSetup.tsx';
import { sweepName } from './sweepText.ts';
import { SweepTable } from './SweepTable.tsx';

/** Several recipes on the same rows: what is varied, the queue as a table, and the curves of all runs in one chart. */
export function SweepPanel() {
  const report = useStudio(shownSweep);
  const entries = useStudio((state) => state.sweep.entries);
  const curves = useStudio((state) => state.sweep.curves);
  const error = useStudio((state) => state.sweep.error);
  const dismiss = useStudio((state) => state.dismissSweepError);
  const show = useStudio((state) => state.showSweep);
  return (
    <Fold title={t('sweep.title')} note={t('sweep.note')}>
      <div className="sweep">
        <ErrorNotice error={error} onDismiss={dismiss} />
        <SweepSetup />
        {report && entries.length > 1 && (
          <SelectInput
            label={t('sweep.pick')}
            value={report.id}
            options={entries.map((one) => ({ value: one.id, label: sweepName(one) }))}
            onChange={(id) => void show(id)}
          />
        )}
        {report && (
          <>
            <SweepTable report={report} />
            {Object.keys(curves).length > 0 && (
              <CompareChart curves={curves} metric="evaluation" axis="step" />
            )}
            <Actions report={report} />
          </>
        )}
      </div>
    </Fold>
  );
}

function Actions({ report }: { report: SweepReport }) {
  const { id, over, model } = report;
  const run = runOfSweep(report);
  const busy = useStudio((state) => busyWith(state) !== null);
  const trains = useStudio((state) => state.sweep.training === id);
  const possible = useStudio((state) => run !== null && canOpenModel(state, run));
  const resume = useStudio((state) => state.resumeSweep);
  const remove = useStudio((state) => state.removeSweep);
  if (trains) return null;
  return (
    <div className="row row--tight">
      {!over && run !== null && possible && (
        <Button className="button button--primary" isDisabled={busy} onPress={() => void resume(id)}>
          {t('sweep.resume')}
        </Button>
      )}
      <Button
        className="button button--small"
        isDisabled={busy}
        aria-description={t('sweep.deleteHelp')}
        onPress={() => void remove(id)}
      >
        {t('sweep.delete')}
      </Button>
      {!over && !possible && (
        <span className="remark">{run === null ? t('sweep.noRuns') : t('runs.needsModel', { model })}</span>
      )}
    </div>
  );
}
