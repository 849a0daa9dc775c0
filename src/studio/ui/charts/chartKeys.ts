import { metrics } from '../../store/index.ts';
import type { ChartModel } from './chartModel.ts';
import { showing, zoomed } from './stepRange.ts';
import { stepBounds } from './useChart.ts';

/** Zooms the charts around the step they point at, or around the middle. @param factor below 1 is nearer */
export function zoomBy(charts: ChartModel, factor: number): void {
  const bounds = stepBounds();
  const view = charts.view().range ?? bounds;
  charts.zoom(zoomed(view, charts.cursor() ?? (view.from + view.to) / 2, factor, bounds));
}

/** Does what a key means on the focused chart. Returns whether it means anything. */
export function chartKey(key: string, shift: boolean, charts: ChartModel): boolean {
  const last = metrics.length - 1;
  if (last < 0) return false;
  const cursor = charts.cursor();
  const row = cursor === null ? last : metrics.rowNear(cursor);
  const { from, to } = charts.view().range ?? stepBounds();
  const page = Math.max(1, Math.round((to - from) / 10));
  const stride = shift ? 10 : 1;
  const moves: Record<string, number> = {
    ArrowLeft: row - stride,
    ArrowDown: row - stride,
    ArrowRight: row + stride,
    ArrowUp: row + stride,
    PageDown: row - page,
    PageUp: row + page,
    Home: metrics.rowNear(from),
    End: metrics.rowNear(to),
  };
  const wanted = moves[key];
  if (wanted !== undefined) {
    const step = metrics.at('step', Math.max(0, Math.min(last, wanted)));
    charts.point(step);
    charts.zoom(showing(charts.view().range, step, stepBounds()));
    return true;
  }
  switch (key) {
    case '+':
    case '=':
      zoomBy(charts, 0.5);
      return true;
    case '-':
      zoomBy(charts, 2);
      return true;
    case '0':
    case 'Escape':
      charts.zoom(null);
      return true;
    default:
      return false;
  }
}
