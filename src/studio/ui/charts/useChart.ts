import { useSyncExternalStore } from 'react';
import { metrics, useStudio } from '../../store/index.ts';
import type { ChartModel, ChartView } from './chartModel.ts';
import type { StepRange } from './stepRange.ts';

export function useChartView(charts: ChartModel): ChartView {
  return useSyncExternalStore(charts.subscribeView, charts.view);
}

/** The step that the charts point at; null for none. */
export function useChartCursor(charts: ChartModel): number | null {
  return useSyncExternalStore(charts.subscribeCursor, charts.cursor);
}

/** The row of the run that the charts point at, or its last one; -1 without steps. */
export function useShownRow(charts: ChartModel): number {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const cursor = useChartCursor(charts);
  return cursor === null ? metrics.length - 1 : metrics.rowNear(cursor);
}

/** All steps that the run's charts can show: from 0, where the loss was measured before training. */
export function stepBounds(): StepRange {
  const from = metrics.evaluations[0]?.step === 0 ? 0 : metrics.at('step', 0);
  return { from: from || 0, to: Math.max(1, metrics.at('step', metrics.length - 1) || 0) };
}

/** Name of the run that is shown; empty where it is not stored. */
export function useRunName(): string {
  return useStudio(({ run, runs }) => runs.entries.find(({ id }) => id === run.id)?.head?.name ?? '');
}
