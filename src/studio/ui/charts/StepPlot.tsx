import { useEffect, useRef } from 'react';
import type UPlot from 'uplot';
import { metrics } from '../../store/index.ts';
import type { ChartWindow } from '../../store/metrics.ts';
import { useDarkness } from '../theme.ts';
import type { ChartModel } from './chartModel.ts';
import { drawPlot, type OwnOptions, type PlotStyle } from './plot.ts';
import { brushed } from './stepRange.ts';
import { stepBounds, useChartView } from './useChart.ts';

interface StepPlotProps {
  charts: ChartModel;
  /** CSS pixels. */
  height: number;
  /** Changes with the data. */
  version: number;
  /** The data of a window; steps first. */
  read: (window: ChartWindow) => UPlot.AlignedData;
  /** Axes and curves, for the theme and the view that are current. */
  options: (style: PlotStyle, log: boolean) => OwnOptions;
  /** Whether this is the large chart, which is brushed and exported. */
  large?: boolean;
}

/** A chart over the steps of the run. It shows the steps in view and points at the step that all charts point at. */
export function StepPlot({ charts, height, version, read, options, large = false }: StepPlotProps) {
  const dark = useDarkness();
  const { range, log: wantsLog } = useChartView(charts);
  const log = large && wantsLog;
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef<UPlot | null>(null);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { plot, remove } = drawPlot(
      element,
      height,
      (style) => withRange(options(style, log), charts, large),
      read(windowOf(charts, element.clientWidth)),
    );
    shown.current = plot;
    if (large) charts.plot = plot;
    const stops = [charts.subscribeCursor(() => pointPlot(plot, charts)), followPointer(plot, charts)];
    return () => {
      for (const stop of stops) stop();
      if (charts.plot === plot) charts.plot = null;
      shown.current = null;
      remove();
    };
    // The functions are the same for a chart as long as it is there.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [dark, log, charts, height, large]);

  useEffect(() => {
    const plot = shown.current;
    plot?.setData(read(windowOf(charts, plot.width)));
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [version, range, charts]);

  return <div ref={host} aria-hidden="true" style={{ height }} />;
}

function windowOf(charts: ChartModel, width: number): ChartWindow {
  const { from, to } = charts.view().range ?? { from: 0, to: Infinity };
  return { from, to, width: Math.max(50, width) };
}

/** Adds what all charts over steps have in common. */
function withRange(own: OwnOptions, charts: ChartModel, large: boolean): OwnOptions {
  const select = (plot: UPlot) => {
    const { left, width } = plot.select;
    if (width === 0) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const range = brushed(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'), stepBounds());
    if (range) charts.zoom(range);
  };
  return {
    ...own,
    cursor: { y: false, drag: { x: large, y: false, setScale: false }, points: { size: 6 } },
    scales: {
      ...own.scales,
      x: {
        time: false,
        range: () => {
          const { from, to } = charts.view().range ?? stepBounds();
          return [from, Math.max(to, from + 1)];
        },
      },
    },
    hooks: {
      ...own.hooks,
      setSelect: [select],
      // New data moves the step to another place.
      draw: [...(own.hooks?.draw ?? []), (plot: UPlot) => pointPlot(plot, charts)],
    },
  };
}

/** Shows the shared step in one chart. */
function pointPlot(plot: UPlot, charts: ChartModel): void {
  const step = charts.cursor();
  const left = step === null ? -10 : plot.valToPos(step, 'x');
  const isInView = left >= 0 && left <= plot.over.clientWidth;
  plot.setCursor(isInView ? { left, top: plot.over.clientHeight / 2 } : { left: -10, top: -10 }, false);
}

/** Points all charts at the step under the pointer. Returns a function that ends it. */
function followPointer(plot: UPlot, charts: ChartModel): () => void {
  const { over } = plot;
  const move = (event: PointerEvent) => {
    // A pointer at rest reports moves too when something under it changes: the keys have the step then.
    if (event.type === 'pointermove' && event.movementX === 0 && event.movementY === 0) return;
    const step = plot.posToVal(event.clientX - over.getBoundingClientRect().left, 'x');
    const row = metrics.rowNear(step);
    charts.point(row < 0 ? null : metrics.at('step', row));
  };
  const leave = (event: PointerEvent) => {
    // A tap stays until the next one.
    if (event.pointerType === 'mouse') charts.point(null);
  };
  over.addEventListener('pointermove', move);
  over.addEventListener('pointerdown', move);
  over.addEventListener('pointerleave', leave);
  return () => {
    over.removeEventListener('pointermove', move);
    over.removeEventListener('pointerdown', move);
    over.removeEventListener('pointerleave', leave);
  };
}
