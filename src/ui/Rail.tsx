import { metrics, useStudio } from '../store/index.ts';
import { formatNumber } from '../store/recipeShape.ts';
import type { Studio } from '../store/state.ts';
import { blockReason, stepIds, stepStatus, type StepId } from '../store/steps.ts';
import { useSyncExternalStore } from 'react';
import { Icon } from './controls/Icon.tsx';
import { formatList } from './format.ts';
import { t } from './text/index.ts';

/** The five steps with where each stands, beside the page (above it on a phone). */
export function Rail() {
  return (
    <nav className="rail" aria-label={t('steps.label')}>
      <ol>
        {stepIds.map((id, index) => (
          <RailItem key={id} id={id} number={index + 1} />
        ))}
      </ol>
    </nav>
  );
}

function RailItem({ id, number }: { id: StepId; number: number }) {
  const status = useStudio((state) => stepStatus(state, id));
  const remark = useStudio((state) => remarkOf(state, id));
  return (
    <li data-status={status}>
      <a href={`#${id}`}>
        <span className="rail__bud" aria-hidden="true">
          {status === 'done' ? <Icon name="check" size={12} /> : number}
        </span>
        <span className="rail__text">
          <span className="rail__name">
            <span className="rail__long">{t(`step.${id}`)}</span>
            <span className="rail__short" aria-hidden="true">
              {t(id === 'try' ? 'step.try.short' : `step.${id}`)}
            </span>
            <span className="hidden"> ({t(`steps.status.${status}`)})</span>
          </span>
          <span className="rail__remark">
            {id === 'train' && status === 'busy' ? <TrainRemark /> : remark}
          </span>
        </span>
      </a>
    </li>
  );
}

function TrainRemark() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const total = useStudio(({ run }) => run.totalSteps);
  const phase = useStudio(({ run }) => run.phase);
  const step = metrics.latest?.step;
  return step === undefined
    ? t(phase ? `phase.${phase}` : 'train.preparing')
    : t('rail.training', { step, total });
}

/** One short line on where a step stands. */
function remarkOf(state: Studio, id: StepId): string {
  const { model, dataset, recipe, adapter } = state;
  const reason = blockReason(state, id);
  switch (id) {
    case 'model':
      return (
        model.summary?.name ?? (reason && model.status !== 'opening' ? t(`block.${reason}`) : model.opening)
      );
    case 'data': {
      const { summary, tokenized } = dataset;
      if (!summary) return '';
      const problems = (tokenized ?? summary).problemCount;
      const rows = t('rail.data', { n: tokenized?.rows ?? summary.rows });
      return problems > 0 ? formatList([rows, t('rail.problems', { n: problems })]) : rows;
    }
    case 'recipe':
      if (Object.keys(recipe.invalid).length > 0) return t('block.recipeInvalid');
      // A number is not broken at its minus.
      return t('rail.recipe', {
        rank: recipe.draft.rank,
        lr: formatNumber(recipe.draft.lr).replace('-', '-\u2060'),
      });
    case 'train':
      if (adapter?.origin === 'trained') return t('rail.trained', { n: adapter.steps });
      if (adapter?.origin === 'opened') return t('rail.adapterOpened', { name: adapter.name });
      return reason ? t(`block.${reason}`) : '';
    case 'try':
      if (adapter?.origin === 'trained')
        return t(adapter.saved ? 'rail.saved' : adapter.run === null ? 'rail.unsaved' : 'rail.kept');
      return reason ? t(`block.${reason}`) : '';
  }
}
