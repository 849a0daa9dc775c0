import type { Answer, Side } from '../../store/tryout.ts';
import { useStudio } from '../../store/index.ts';
import { isWholeModel } from '../../store/state.ts';
import { ErrorNotice } from '../controls/Notice.tsx';
import { formatCompact } from '../format.ts';
import { t } from '../text/index.ts';

interface AnswerPanelProps {
  side: Side;
  answer: Answer | null;
  /** It is answering now. */
  active: boolean;
  /** It answers next. */
  waiting?: boolean;
}

/** One model's answer, as plain text whatever it contains. */
export function AnswerPanel({ side, answer, active, waiting = false }: AnswerPanelProps) {
  const isModel = useStudio(isWholeModel);
  const title = t(side === 'tuned' && isModel ? 'try.tunedModel' : `try.${side}`);
  const outcome = answer?.outcome;
  return (
    <article className="answer" data-side={side} data-active={active} aria-busy={active} aria-label={title}>
      <h3>{title}</h3>
      {answer?.error ? (
        <ErrorNotice error={answer.error} />
      ) : answer ? (
        <p className="answer__text">
          {answer.text || (outcome ? <span className="answer__empty">{t('try.emptyAnswer')}</span> : '')}
          {active && <span className="answer__cursor" aria-hidden="true" />}
        </p>
      ) : (
        <p className="answer__empty">{t(waiting ? 'try.waiting' : 'try.empty')}</p>
      )}
      <p className="answer__facts">
        {outcome
          ? t('try.facts', {
              n: outcome.tokens,
              speed: formatCompact(outcome.tokensPerSecond),
              end: t(`try.stoppedBy.${outcome.stoppedBy}`),
            })
          : active && t('try.answering')}
      </p>
    </article>
  );
}
