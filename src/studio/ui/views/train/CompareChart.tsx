import { useEffect, useMemo, useRef } from 'react';
import type UPlot from 'uplot';
import type { RunDetail } from '../../../../hosts/browser/protocol.ts';
import { comparedCurves, type ComparedAxis, type ComparedMetric } from '../../../store/comparedCurves.ts';
import { useStudio } from '../../../store/index.ts';
import { drawPlot, type OwnOptions, type PlotStyle } from '../../charts/plot.ts';
import { linearTicks, stepTicks } from '../../charts/ticks.ts';
import {
  formatCompact,
  formatCount,
  formatDuration,
  formatLoss,
  formatMoment,
  formatSmall,
} from '../../format.ts';
import { t } from '../../text/index.ts';
import { useDarkness } from '../../theme.ts';

const HEIGHT = 240;
/** Distinguished by dashes too, for colour-blind users. */
const colours = ['--curve-1', '--curve-2', '--curve-3', '--curve-4', '--curve-5'] as const;
const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

const formats: Record<ComparedMetric, (value: number) => string> = {
  smoothed: formatLoss,
  evaluation: formatLoss,
  lr: formatSmall,
  gradNorm: formatLoss,
  tokensPerSecond: formatCompact,
};

interface CompareChartProps {
  /** Curves of the runs, by their ids. */
  curves: Readonly<Record<string, RunDetail['curves']>>;
  metric: ComparedMetric;
  axis: ComparedAxis;
}

/**
 * A curve of several runs in one chart; a list below has their last values, for users who can't see it.
 */
export function CompareChart({ curves: compared, metric, axis }: CompareChartProps) {
  const entries = useStudio((state) => state.runs.entries);
  const dark = useDarkness();
  const host = useRef<HTMLDivElement>(null);
  const runs = Object.keys(compared).map((id) => ({
    id,
    head: entries.find((entry) => entry.id === id)?.head,
  }));
  const { columns, last } = useMemo(
    () => comparedCurves(Object.values(compared), metric, axis),
    [compared, metric, axis],
  );

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const curves = columns.length - 1;
    return drawPlot(
      element,
      HEIGHT,
      (style) => optionsFor(style, curves, metric, axis),
      columns as UPlot.AlignedData,
    ).remove;
  }, [dark, columns, metric, axis]);

  return (
    <figure className="chart compare">
      <figcaption className="hidden">
        {t('runs.compareChart', { metric: t(`runs.metric.${metric}`), axis: t(`runs.axis.${axis}`) })}
      </figcaption>
      <div ref={host} aria-hidden="true" />
      <ul className="compare__legend">
        {runs.map(({ id, head }, i) => (
          <li key={id}>
            <svg width="22" height="6" aria-hidden="true">
              <line
                x1="0"
                x2="22"
                y1="3"
                y2="3"
                strokeWidth="2.5"
                stroke={`var(${colours[i % colours.length]!})`}
                strokeDasharray={dashes[i % dashes.length]!.join(' ')}
              />
            </svg>
            {head?.name ?? id}
            <span className="found__note">
              {head && `${formatMoment(head.createdAt)} · `}
              {Number.isFinite(last[i])
                ? t('runs.lastValue', {
                    metric: t(`runs.metric.${metric}`),
                    value: formats[metric](last[i]!),
                  })
                : t('runs.noValues')}
            </span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function optionsFor(
  { colour, axis }: PlotStyle,
  curves: number,
  metric: ComparedMetric,
  over: ComparedAxis,
): OwnOptions {
  const ticksOf = over === 'step' ? stepTicks : linearTicks;
  return {
    scales: { x: { time: false } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 32,
        splits: (plot, _, min, max) => ticksOf(min, max, Math.max(2, Math.floor(plot.width / 80))),
        values: (_, ticks) =>
          ticks.map((tick) => (over === 'step' ? formatCount(tick) : formatDuration(tick))),
      },
      {
        ...axis,
        size: 60,
        splits: (_plot, _axis, min, max) => linearTicks(min, max, 5),
        values: (_, ticks) => ticks.map((tick) => (metric === 'lr' ? formatSmall(tick) : String(tick))),
      },
    ],
    series: [
      {},
      ...Array.from({ length: curves }, (_, i) => ({
        stroke: colour(colours[i % colours.length]!),
        dash: dashes[i % dashes.length]!,
        width: 2,
        spanGaps: true,
        // An evaluation alone is a point.
        points: { show: metric === 'evaluation', size: 6, fill: colour(colours[i % colours.length]!) },
      })),
    ],
  };
}
