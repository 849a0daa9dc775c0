import type { ReactNode } from 'react';
import { useStudio } from '../store/index.ts';
import { isTraining } from '../store/state.ts';
import { stepIds, stepStatus, type StepId } from '../store/steps.ts';
import { t } from './text/index.ts';

interface StepProps {
  id: StepId;
  children: ReactNode;
  /** Buttons at the right of the title. */
  aside?: ReactNode;
}

/** One of the five steps: its number, title, what it is about, and its content. */
export function Step({ id, children, aside }: StepProps) {
  const status = useStudio((state) => stepStatus(state, id));
  const locked = useStudio(isTraining) && id !== 'train' && id !== 'try';
  return (
    <section className="step" id={id} data-status={status} aria-labelledby={`${id}-title`} tabIndex={-1}>
      <header className="step__head">
        <span className="step__number" aria-hidden="true">
          {stepIds.indexOf(id) + 1}
        </span>
        <h2 id={`${id}-title`}>{t(`step.${id}`)}</h2>
        {aside && <div className="step__aside">{aside}</div>}
        <p className="step__lead">{locked ? t('steps.locked') : t(`step.${id}.lead`)}</p>
      </header>
      <div className="step__body">{children}</div>
    </section>
  );
}
