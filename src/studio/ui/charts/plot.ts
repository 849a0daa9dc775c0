import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** Shared chart settings: the theme's colours and the common axis. */
export interface PlotStyle {
  /** A colour of the theme, by the name of its CSS variable. */
  colour(name: string): string;
  axis: UPlot.Axis;
}

/** Room for the numbers of the left axis, and right of the last step, in CSS pixels. */
export const [AXIS_WIDTH, RIGHT_PAD] = [52, 12];

/** Settings of a chart; the rest is shared. */
export type OwnOptions = Pick<UPlot.Options, 'axes' | 'scales' | 'series' | 'hooks' | 'cursor' | 'padding'>;

/**
 * Renders a chart into `element`, at its current width and in the current theme; re-renders when they change.
 * @param height CSS pixels
 * @returns the plot, and a function that removes it
 */
export function drawPlot(
  element: HTMLElement,
  height: number,
  own: (style: PlotStyle) => OwnOptions,
  data: UPlot.AlignedData,
): { plot: UPlot; remove(): void } {
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
      height,
      padding: [12, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      ...own({ colour, axis }),
    },
    data,
    element,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
  observer.observe(element);
  const remove = () => {
    observer.disconnect();
    plot.destroy();
  };
  return { plot, remove };
}
