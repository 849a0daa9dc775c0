import { useEffect, useMemo, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useStudio } from '../../store/index.ts';
import { comparedCurves } from '../../store/comparedCurves.ts';
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
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis: UPlot.Axis = {
      stroke: colour('--ink-3'),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour('--line-faint'), width: 1 },
      ticks: { show: false },
    };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [12, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, grid: { show: false }, size: 32 },
          { ...axis, size: 52 },
        ],
        series: [
          {},
          ...columns.slice(1).map((_, i) => ({
            stroke: colour(colours[i % colours.length]!),
            dash: dashes[i % dashes.length]!,
            width: 2,
            spanGaps: true,
            points: { show: false },
          })),
        ],
      },
      columns as UPlot.AlignedData,
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
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
