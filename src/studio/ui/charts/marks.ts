import type UPlot from 'uplot';
import { metrics } from '../../store/index.ts';
import { bestEvaluation, type MarkKind, type RunMark } from '../../store/runMarks.ts';
import { t } from '../text/index.ts';

const colours: Record<MarkKind, string> = {
  lost: '--danger',
  skipped: '--warning',
  resumed: '--focus',
  best: '--chart-eval',
  saved: '--line-strong',
};

/** What happened in the run, with its best evaluation. */
export function allMarks(): RunMark[] {
  const best = bestEvaluation(metrics.evaluations);
  return [...metrics.marks, ...(best ? [{ kind: 'best' as const, step: best.step }] : [])];
}

/** A mark's kind in a word or two. */
export function markWords(kind: MarkKind): string {
  return t(`mark.${kind}`);
}

/** Draws marks as lines across the chart; checkpoints, which there may be many of, as ticks on its axis. */
export function drawMarks(plot: UPlot, marks: readonly RunMark[], colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const { step, kind } of marks) {
    if (step < (min ?? 0) || step > (max ?? 0)) continue;
    const x = Math.round(plot.valToPos(step, 'x', true));
    const height = kind === 'saved' ? 6 * devicePixelRatio : bbox.height;
    ctx.strokeStyle = colour(colours[kind]);
    ctx.setLineDash(kind === 'saved' ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x, bbox.top + bbox.height - height);
    ctx.stroke();
  }
  ctx.restore();
}
