import { Button } from 'react-aria-components';
import { metrics, useStudio } from '../../../store/index.ts';
import type { RunState } from '../../../store/state/run.ts';
import { judge, type Verdict } from '../../../store/verdict.ts';
import { Notice } from '../../controls/Notice.tsx';
import { formatDuration, formatLoss } from '../../format.ts';
import { t } from '../../text/index.ts';

type RunOutcome = NonNullable<RunState['outcome']>;

/** How the run ended, what it did to the loss by rows that it was not trained on, and what to do next. */
export function Outcome() {
  const outcome = useStudio((state) => state.run.outcome);
  const samples = useStudio((state) => state.run.samples);
  const hasAdapter = useStudio((state) => state.adapter?.origin === 'trained');
  const showView = useStudio((state) => state.showView);
  if (!outcome) return null;
  const { ended, best, result, steps } = outcome;
  const verdict = judge({
    losses: Array.from({ length: metrics.length }, (_, i) => metrics.at('loss', i)),
    evaluations: metrics.evaluations,
    resultStep: result.step,
    samples,
  });
  const isJudged = ended === 'whole' || ended === 'early';
  return (
    <Notice tone={isJudged ? toneOf(verdict) : 'info'}>
      <p>{endOf(outcome, verdict)}</p>
      {isJudged && <p className="remark">{t(`verdict.by.${verdict.change?.measured ?? 'steps'}`)}</p>}
      {best && best.step !== steps && (
        <p>{t('train.best', { step: best.step, loss: formatLoss(best.loss) })}</p>
      )}
      {isJudged && sentences(verdict).map((sentence) => <p key={sentence}>{sentence}</p>)}
      {ended !== 'paused' && hasAdapter && (
        <div className="row row--tight">
          <Button className="button button--small" onPress={() => showView('chat')}>
            {t('train.seeChange')}
          </Button>
          <Button className="button button--small" onPress={() => showView('export')}>
            {t('view.export')}
          </Button>
        </div>
      )}
    </Notice>
  );
}

function endOf({ ended, steps, seconds, finalLoss }: RunOutcome, { change }: Verdict): string {
  switch (ended) {
    case 'paused':
      return t('train.paused', { n: steps });
    case 'stopped':
      return t('train.stopped', { n: steps });
    case 'early':
      return t('train.endedEarly', { n: steps });
    case 'whole':
      return t('train.done', {
        n: steps,
        time: formatDuration(seconds),
        first: formatLoss(change?.before ?? metrics.at('loss', 0)),
        last: formatLoss(change?.after ?? finalLoss),
      });
  }
}

function toneOf({ result, overfitSince, repetition }: Verdict): 'good' | 'info' | 'warning' {
  if (result === 'worse' || overfitSince || repetition) return 'warning';
  return result === 'better' ? 'good' : 'info';
}

/** What is wrong, if anything, and the next thing to do. */
function sentences({ result, overfitSince, repetition, next }: Verdict): string[] {
  return [
    ...(result === 'worse' || result === 'same' ? [t(`verdict.${result}`)] : []),
    ...(overfitSince
      ? [t('verdict.overfit', { step: overfitSince.step, loss: formatLoss(overfitSince.loss) })]
      : []),
    ...(repetition ? [t('verdict.repetition', { prompt: repetition.prompt })] : []),
    ...(result === 'unknown' ? [] : [t(`verdict.next.${next}`)]),
  ];
}
