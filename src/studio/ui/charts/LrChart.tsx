import { useEffect, useRef } from 'react';
import type UPlot from 'uplot';
import type { LrPoint } from '../../../hosts/browser/protocol.ts';
import { t } from '../text/index.ts';
import { useDarkness } from '../theme.ts';
import { drawPlot, type PlotStyle } from './plot.ts';

const HEIGHT = 200;

/** Change of the loss by learning rate, on a logarithmic scale, with a line at the suggestion. */
export function LrChart({ points, suggested }: { points: readonly LrPoint[]; suggested: number | null }) {
  const dark = useDarkness();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element || points.length < 2) return;
    return drawPlot(element, HEIGHT, (style) => optionsFor(style, suggested), [
      points.map(({ lr }) => lr),
      points.map(({ change }) => 100 * change),
      points.map(({ smoothed }) => 100 * smoothed),
    ]).remove;
  }, [points, suggested, dark]);
  return (
    <figure className="chart">
      <figcaption className="chart__head">
        <span className="chart__title">{t('lrSearch.chart')}</span>
      </figcaption>
      <div ref={host} aria-hidden="true" />
    </figure>
  );
}

function optionsFor({ colour, axis }: PlotStyle, suggested: number | null) {
  const line = (plot: UPlot) => {
    if (suggested === null) return;
    const x = plot.valToPos(suggested, 'x', true);
    const { top, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.strokeStyle = colour('--chart-eval');
    plot.ctx.lineWidth = 2 * devicePixelRatio;
    plot.ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, top);
    plot.ctx.lineTo(x, top + height);
    plot.ctx.stroke();
    plot.ctx.restore();
  };
  return {
    scales: { x: { time: false, distr: 3 as const } },
    axes: [
      {
        ...axis,
        size: 32,
        values: (_: UPlot, ticks: number[]) =>
          ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? tick.toExponential(0) : '')),
      },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      { stroke: colour('--chart-raw'), width: 1, points: { show: false } },
      { stroke: colour('--accent'), width: 2.25, points: { show: false } },
    ],
    hooks: { draw: [line] },
  };
}
