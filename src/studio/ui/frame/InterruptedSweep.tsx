import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { canOpenModel } from '../../store/runs.ts';
import { busyWith, isTraining } from '../../store/state.ts';
import { runOfSweep, unfinishedSweep } from '../../store/sweep.ts';
import { Notice } from '../controls/Notice.tsx';
import { t } from '../text/index.ts';
import { settingsOf } from '../views/train/sweepText.ts';

/** The newest sweep that is not finished, with a button to resume it. */
export function InterruptedSweep() {
  const report = useStudio(unfinishedSweep);
  const training = useStudio(isTraining);
  const busy = useStudio((state) => busyWith(state) !== null);
  const showView = useStudio((state) => state.showView);
  const resume = useStudio((state) => state.resumeSweep);
  const run = report && runOfSweep(report);
  const possible = useStudio((state) => run !== null && canOpenModel(state, run));
  if (!report || run === null || training) return null;
  const { rows, model, id } = report;
  const done = rows.filter(({ state }) => ['stopped', 'finished', 'failed'].includes(state)).length;
  const goOn = () => {
    showView('train');
    void resume(id);
  };
  return (
    <Notice tone="info">
      <p className="notice__what">
        {t('sweep.interrupted', { settings: settingsOf(report), done, n: rows.length })}
      </p>
      {!possible && <p>{t('runs.needsModel', { model })}</p>}
      <div className="row row--tight">
        <Button
          className={possible ? 'button button--primary' : 'button button--small'}
          isDisabled={busy}
          onPress={() => (possible ? goOn() : showView('model'))}
        >
          {possible ? t('sweep.resume') : t('next.go', { view: t('view.model') })}
        </Button>
      </div>
    </Notice>
  );
}
