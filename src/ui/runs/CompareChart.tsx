import { useEffect, useMemo, useRef } from 'react';
import type UPlot from 'uplot';
import { useStudio } from '../../store/index.ts';
import { comparedCurves } from '../../store/comparedCurves.ts';
import { drawPlot, type PlotStyle } from '../charts/plot.ts';
import { formatLoss, formatMoment } from '../format.ts';
import { t } from '../text/index.ts';
import { useDarkness } from '../theme.ts';

const HEIGHT = 240;
/** Told apart by dashes too, for those who see colours otherwise. */
const colours = ['--curve-1', '--curve-2', '--curve-3', '--curve-4', '--curve-5'] as const;
const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

/** The smoothed losses of the chosen runs on one chart; their numbers are a list below, for those who don't see it. */
export function CompareChart() {
  const compared = useStudio((state) => state.runs.compared);
  const entries = useStudio((state) => state.runs.entries);
  const dark = useDarkness();
  const host = useRef<HTMLDivElement>(null);
  const runs = Object.keys(compared).map((id) => ({
    id,
    head: entries.find((entry) => entry.id === id)?.head,
  }));
  const { columns, last } = useMemo(() => comparedCurves(Object.values(compared)), [compared]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const curves = columns.length - 1;
    return drawPlot(element, HEIGHT, (style) => optionsFor(style, curves), columns as UPlot.AlignedData)
      .remove;
  }, [dark, columns]);

  return (
    <figure className="chart compare">
      <figcaption className="hidden">{t('runs.compareChart')}</figcaption>
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
              {t('runs.smoothedLoss', { loss: formatLoss(last[i] ?? NaN) })}
            </span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function optionsFor({ colour, axis }: PlotStyle, curves: number) {
  return {
    scales: { x: { time: false } },
    axes: [
      { ...axis, grid: { show: false }, size: 32 },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      ...Array.from({ length: curves }, (_, i) => ({
        stroke: colour(colours[i % colours.length]!),
        dash: dashes[i % dashes.length]!,
        width: 2,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}
