import { useId, useSyncExternalStore, type KeyboardEvent, type ReactNode } from 'react';
import type UPlot from 'uplot';
import { metrics } from '../../store/index.ts';
import type { ChartWindow } from '../../store/metrics.ts';
import { formatCount, formatLoss } from '../format.ts';
import { t } from '../text/index.ts';
import { ChartEvents } from './ChartEvents.tsx';
import { ChartExport } from './ChartExport.tsx';
import { ChartTools } from './ChartTools.tsx';
import type { ChartModel } from './chartModel.ts';
import { chartKey } from './chartKeys.ts';
import { allMarks, drawMarks, markWords } from './marks.ts';
import { AXIS_WIDTH, RIGHT_PAD, type OwnOptions, type PlotStyle } from './plot.ts';
import { StepPlot } from './StepPlot.tsx';
import { linearTicks, logTicks, stepTicks } from './ticks.ts';
import { stepBounds, useChartCursor, useShownRow } from './useChart.ts';
import { Waiting } from './Waiting.tsx';

const HEIGHT = 232;
const curves = ['raw', 'smoothed', 'evaluation'] as const;

/**
 * Loss over the steps: each step faint, the smoothed curve on top, evaluations as points joined by dashes, and what else
 * happened below. A pointer or the arrow keys read it step by step.
 */
export function LossChart({ charts }: { charts: ChartModel }) {
  const version = useSyncExternalStore(metrics.subscribe, metrics.version);
  const n = metrics.length;
  return (
    <figure className="chart">
      <figcaption className="hidden">
        {n > 0 ? t('train.chartSummary', { n, loss: formatLoss(metrics.smoothedLoss) }) : t('train.chart')}
      </figcaption>
      <Values charts={charts} />
      <Reader charts={charts}>
        <StepPlot
          charts={charts}
          height={HEIGHT}
          version={version}
          read={readLosses}
          options={optionsOf}
          large
        />
      </Reader>
      {n === 0 ? <Waiting /> : <ChartEvents charts={charts} version={version} />}
      <ChartTools charts={charts} />
    </figure>
  );
}

/** The chart as a slider over its steps: what it points at is its value, in words. */
function Reader({ charts, children }: { charts: ChartModel; children: ReactNode }) {
  const helpId = useId();
  const row = useShownRow(charts);
  if (row < 0)
    return (
      <div className="chart__plot" data-empty="true">
        {children}
      </div>
    );
  const step = metrics.at('step', row);
  const { from, to } = stepBounds();
  const onKeyDown = (event: KeyboardEvent) => {
    const { altKey, ctrlKey, metaKey } = event;
    if (altKey || ctrlKey || metaKey || !chartKey(event.key, event.shiftKey, charts)) return;
    event.preventDefault();
  };
  return (
    <>
      <div
        className="chart__plot"
        role="slider"
        tabIndex={0}
        aria-label={t('train.chart')}
        aria-describedby={helpId}
        aria-valuemin={from}
        aria-valuemax={to}
        aria-valuenow={step}
        aria-valuetext={wordsAt(row)}
        onKeyDown={onKeyDown}
        onBlur={() => charts.point(null)}
      >
        {children}
      </div>
      <p className="chart__keys" id={helpId}>
        {t('chart.keys')}
      </p>
    </>
  );
}

/** The values at the step under the cursor, or the last ones, beside the names of the curves. */
function Values({ charts }: { charts: ChartModel }) {
  const cursor = useChartCursor(charts);
  const row = useShownRow(charts);
  const evaluated = evaluationAt(cursor);
  const values = {
    raw: metrics.at('loss', row),
    smoothed: metrics.at('smoothed', row),
    evaluation: evaluated?.loss ?? NaN,
  };
  return (
    <>
      <div className="chart__head">
        <span className="chart__title" aria-hidden="true">
          {cursor === null || row < 0
            ? t('train.chart')
            : [
                t('chart.step', { step: metrics.at('step', row) }),
                ...wordsOfMarks(metrics.at('step', row)),
              ].join(' · ')}
        </span>
        <ChartExport charts={charts} />
      </div>
      <dl className="chart__legend" aria-hidden="true">
        {curves.map((name) => (
          <div
            key={name}
            data-series={name}
            hidden={name === 'evaluation' && metrics.evaluations.length === 0}
          >
            <dt>{t(`train.${name}`)}</dt>
            <dd>{Number.isFinite(values[name]) ? formatLoss(values[name]) : ''}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** The last evaluation up to a step. */
function evaluationAt(step: number | null): { step: number; loss: number } | undefined {
  return metrics.evaluations.findLast((one) => step === null || one.step <= step);
}

/** Everything at a row in words, for screen readers. */
function wordsAt(row: number): string {
  const step = metrics.at('step', row);
  const evaluation = metrics.evaluations.find((one) => one.step === step);
  return [
    t('chart.values', {
      step: formatCount(step),
      raw: formatLoss(metrics.at('loss', row)),
      smoothed: formatLoss(metrics.at('smoothed', row)),
    }),
    ...(evaluation ? [t('runs.evalLoss', { loss: formatLoss(evaluation.loss) })] : []),
    ...wordsOfMarks(step),
  ].join(', ');
}

function wordsOfMarks(step: number): string[] {
  return [
    ...new Set(
      allMarks()
        .filter((mark) => mark.step === step)
        .map(({ kind }) => markWords(kind)),
    ),
  ];
}

function readLosses(window: ChartWindow): UPlot.AlignedData {
  const { steps, loss, smoothed, evaluation } = metrics.chartData(window);
  return [steps, loss, smoothed, evaluation];
}

function optionsOf({ colour, axis }: PlotStyle, log: boolean): OwnOptions {
  const room = (plot: UPlot, pixels: number, vertical: boolean) =>
    Math.max(2, Math.floor((vertical ? plot.height : plot.width) / pixels));
  return {
    padding: [12, RIGHT_PAD, 0, 0],
    scales: { y: log ? { distr: 3, log: 10, range: logRange } : { range: lossRange } },
    axes: [
      {
        ...axis,
        gap: 8,
        grid: { show: false },
        size: 30,
        splits: (plot, _, min, max) => stepTicks(min, max, room(plot, 70, false)),
        values: (_, ticks) => ticks.map((tick) => formatCount(tick)),
      },
      {
        ...axis,
        gap: 8,
        size: AXIS_WIDTH,
        splits: (plot, _, min, max) => (log ? logTicks : linearTicks)(min, max, room(plot, 45, true)),
        filter: (_, ticks) => ticks,
        values: (_, ticks) => ticks.map((tick) => String(Number(tick.toPrecision(4)))),
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
    hooks: { draw: [(plot) => drawMarks(plot, allMarks(), colour)] },
  };
}

/** Starts at zero when the loss comes near it, so that a drop to zero is visible as such. */
function lossRange(_: UPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const span = max - min || Math.abs(max) || 1;
  return [min >= 0 && min < span ? 0 : min - span * 0.08, max + span * 0.08];
}

function logRange(_: UPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0) || !Number.isFinite(max)) return [0.1, 10];
  const pad = Math.max(1.05, (max / min) ** 0.06);
  return [min / pad, max * pad];
}
