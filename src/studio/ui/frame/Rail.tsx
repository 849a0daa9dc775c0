import { metrics, useStudio } from '../../store/index.ts';
import { formatNumber } from '../../store/recipeShape.ts';
import type { Studio } from '../../store/state.ts';
import { blockReason, shownRecipe, stepIds, stepStatus, type StepId } from '../../store/steps.ts';
import type { ViewId } from '../../store/state/view.ts';
import { useSyncExternalStore, type ReactNode } from 'react';
import { Icon } from '../controls/Icon.tsx';
import { formatList } from '../format.ts';
import { t } from '../text/index.ts';
import { fragmentOf } from './address.ts';

/** The views with their status: beside the page, at its foot on a phone. */
export function Rail() {
  return (
    <nav className="rail" aria-label={t('steps.label')}>
      <ol>
        <li data-status="home">
          <RailLink view="home" bud={<Icon name="home" size={14} />} remark={null} />
        </li>
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
      <RailLink
        view={id}
        bud={status === 'done' ? <Icon name="check" size={12} /> : number}
        status={[t(`steps.status.${status}`), remark].filter(Boolean).join(', ')}
        remark={id === 'train' && status === 'busy' ? <TrainRemark /> : remark}
      />
    </li>
  );
}

interface RailLinkProps {
  view: ViewId;
  bud: ReactNode;
  remark: ReactNode;
  status?: string;
}

function RailLink({ view, bud, remark, status }: RailLinkProps) {
  const shown = useStudio((state) => state.view === view);
  const project = useStudio((state) => state.projects.open?.id ?? null);
  const showView = useStudio((state) => state.showView);
  return (
    <a
      href={fragmentOf({ view, project })}
      onClick={(event) => {
        // A new tab or window is the browser's; here the project may be about to change, and its address with it.
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        showView(view);
      }}
      aria-describedby={status === undefined ? undefined : `rail-${view}`}
      aria-current={shown ? 'page' : undefined}
    >
      <span className="rail__bud" aria-hidden="true">
        {bud}
      </span>
      <span className="rail__text">
        <span className="rail__name">{t(`view.${view}`)}</span>
        <span className="rail__remark" aria-hidden="true">
          {remark}
        </span>
      </span>
      <span hidden id={`rail-${view}`}>
        {status}
      </span>
    </a>
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

/** One short line on the status of a step. */
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
      // No line break after a minus sign.
      return t('rail.recipe', {
        rank: shownRecipe(state).rank,
        lr: formatNumber(shownRecipe(state).lr).replace('-', '-\u2060'),
      });
    case 'train':
      if (adapter?.origin === 'trained') return t('rail.trained', { n: adapter.steps });
      if (adapter?.origin === 'opened') return t('rail.adapterOpened', { name: adapter.name });
      return reason ? t(`block.${reason}`) : '';
    case 'chat':
      return reason && reason !== 'busy' ? t(`block.${reason}`) : '';
    case 'export':
      if (adapter?.origin === 'trained')
        return t(adapter.saved ? 'rail.saved' : adapter.run === null ? 'rail.unsaved' : 'rail.kept');
      return reason && reason !== 'busy' ? t(`block.${reason}`) : '';
  }
}
