import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** What a chart is drawn with: the theme's colours and an axis that every chart has. */
export interface PlotStyle {
  /** A colour of the theme, by the name of its CSS variable. */
  colour(name: string): string;
  axis: UPlot.Axis;
}

/** What a chart says of itself; the rest is the same for all. */
type Own = Pick<UPlot.Options, 'axes' | 'scales' | 'series' | 'hooks'>;

/**
 * Draws a chart into `element`, as wide as that is at any time, in the theme of now: it is drawn again when that changes.
 * @param height CSS pixels
 * @returns the plot, and what removes it
 */
export function drawPlot(
  element: HTMLElement,
  height: number,
  own: (style: PlotStyle) => Own,
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
      ...{ width: element.clientWidth, height, padding: [12, 12, 0, 0], legend: { show: false } },
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
