import { useSyncExternalStore } from 'react';
import type UPlot from 'uplot';
import { metrics } from '../../store/index.ts';
import type { ChartWindow, Column } from '../../store/metrics.ts';
import type { ChartModel } from './chartModel.ts';
import type { OwnOptions, PlotStyle } from './plot.ts';
import { StepPlot } from './StepPlot.tsx';
import { useShownRow } from './useChart.ts';

interface SmallChartProps {
  charts: ChartModel;
  name: string;
  column: Column;
  format: (value: number) => string;
}

const HEIGHT = 44;

/** One quantity over the steps, with its value at the step that all charts point at. */
export function SmallChart({ charts, name, column, format }: SmallChartProps) {
  const version = useSyncExternalStore(metrics.subscribe, metrics.version);
  const row = useShownRow(charts);
  return (
    <figure className="small-chart">
      <figcaption>
        <span className="small-chart__name">{name}</span>
        <strong>{format(metrics.at(column, row))}</strong>
      </figcaption>
      <StepPlot
        charts={charts}
        height={HEIGHT}
        version={version}
        read={(readers[column] ??= readerOf(column))}
        options={optionsOf}
      />
    </figure>
  );
}

const readers: Partial<Record<Column, (window: ChartWindow) => UPlot.AlignedData>> = {};

function readerOf(column: Column) {
  return (window: ChartWindow): UPlot.AlignedData => {
    const { steps, values } = metrics.columnData(column, window);
    return [steps, values];
  };
}

function optionsOf({ colour }: PlotStyle): OwnOptions {
  return {
    padding: [4, 4, 4, 4],
    scales: { y: { range: valueRange } },
    axes: [{ show: false }, { show: false }],
    series: [{}, { stroke: colour('--accent'), width: 1.5, points: { show: false } }],
  };
}

/** All values; a constant one lies in the middle. */
function valueRange(_: UPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const pad = (max - min) * 0.05 || Math.abs(max) || 1;
  return [min - pad, max + pad];
}
