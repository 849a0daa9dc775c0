import { useEffect, useRef, useSyncExternalStore } from 'react';
import type UPlot from 'uplot';
import { metrics } from '../../store/index.ts';
import { formatLoss } from '../format.ts';
import { t } from '../text/index.ts';
import { useDarkness } from '../theme.ts';
import { drawPlot, type PlotStyle } from './plot.ts';

const HEIGHT = 260;
/** Rows of the legend, in the order of the chart's series. */
const series = ['raw', 'smoothed', 'eval'] as const;

/** Loss over the steps: each step faint, the smoothed curve on top, evaluations as points joined by dashes. */
export function LossChart() {
  const version = useSyncExternalStore(metrics.subscribe, metrics.version);
  const dark = useDarkness();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const legend = useRef<HTMLDListElement>(null);
  const n = metrics.length;

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const onCursor = () => showValues(plot, legend.current);
    const { plot, remove } = drawPlot(
      element,
      HEIGHT,
      (style) => optionsFor(style, onCursor),
      chartColumns(),
    );
    chart.current = plot;
    return () => {
      remove();
      chart.current = null;
    };
  }, [dark]);

  useEffect(() => {
    if (!chart.current) return;
    chart.current.setData(chartColumns());
    showValues(chart.current, legend.current);
  }, [version]);

  return (
    <figure className="chart">
      <figcaption className="hidden">
        {n > 0
          ? t('train.chartSummary', { n, loss: formatLoss(metrics.at('smoothed', n - 1)) })
          : t('train.chart')}
      </figcaption>
      <div className="chart__head" aria-hidden="true">
        <span className="chart__title">{t('train.chart')}</span>
        <dl className="chart__legend" ref={legend}>
          {series.map((name) => (
            <div key={name} data-series={name} hidden={name === 'eval' && metrics.evaluations.length === 0}>
              <dt>{t(name === 'eval' ? 'train.evaluation' : `train.${name}`)}</dt>
              <dd />
            </div>
          ))}
        </dl>
      </div>
      <div className="chart__plot" ref={host} aria-hidden="true" data-empty={n === 0} />
      {n === 0 && <p className="chart__waiting">{t('train.waiting')}</p>}
    </figure>
  );
}

function chartColumns(): UPlot.AlignedData {
  const { steps, loss, smoothed, evaluation } = metrics.chartData();
  return [steps, loss, smoothed, evaluation];
}

/** Writes the values under the cursor, or the last ones, beside the names of the curves. */
function showValues(plot: UPlot, legend: HTMLElement | null): void {
  const index = plot.cursor.idx;
  legend?.querySelectorAll('dd').forEach((cell, i) => {
    const column = plot.data[i + 1] ?? [];
    const at = index ?? lastKnown(column);
    const value = at === undefined ? null : column[at];
    cell.textContent = typeof value === 'number' ? formatLoss(value) : '';
  });
}

function lastKnown(column: ArrayLike<number | null | undefined>): number | undefined {
  for (let i = column.length - 1; i >= 0; i--) if (typeof column[i] === 'number') return i;
  return undefined;
}

function optionsFor({ colour, axis }: PlotStyle, onCursor: () => void) {
  return {
    scales: { x: { time: false }, y: { range: lossRange } },
    axes: [
      {
        ...axis,
        gap: 8,
        grid: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 1e5],
        space: 60,
        size: 32,
      },
      {
        ...axis,
        ...{ gap: 8, size: 52 },
        values: (_: UPlot, ticks: number[]) => ticks.map((tick) => String(Number(tick.toPrecision(4)))),
      },
    ],
    series: [
      {},
      { stroke: colour('--chart-raw'), width: 1, points: { show: false } },
      { stroke: colour('--accent'), width: 2.25, points: { show: false } },
      {
        stroke: colour('--chart-eval'),
        width: 1.5,
        dash: [5, 4],
        spanGaps: true,
        points: { show: true, size: 7, fill: colour('--chart-eval') },
      },
    ],
    hooks: { setCursor: [onCursor] },
  };
}

/** From zero when the loss comes near it, so that a fall to nothing looks like one. */
function lossRange(_: UPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const span = max - min || Math.abs(max) || 1;
  return [min >= 0 && min < span ? 0 : min - span * 0.08, max + span * 0.08];
}
