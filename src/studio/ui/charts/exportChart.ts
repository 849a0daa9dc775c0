import { fileNameOf } from '../../../base/lib/fileName.ts';
import { curveCsv, curveJson } from '../../store/curveFiles.ts';
import { metrics, studio } from '../../store/index.ts';
import { downloadFile } from '../files.ts';
import { formatCount } from '../format.ts';
import { t } from '../text/index.ts';
import type { ChartModel } from './chartModel.ts';
import { allMarks, markWords } from './marks.ts';

/** Downloads the curve of the run in a file named after it. */
export async function exportChart(
  kind: 'png' | 'csv' | 'json',
  name: string,
  charts: ChartModel,
): Promise<void> {
  const { recipe, samples } = studio.getState().run;
  const file = `${fileNameOf(name) || 'run'}.${kind}`;
  if (kind === 'csv') return downloadFile(new Blob([curveCsv(metrics)], { type: 'text/csv' }), file);
  if (kind === 'json') {
    const json = curveJson(metrics, { name, recipe, samples });
    return downloadFile(new Blob([json], { type: 'application/json' }), file);
  }
  const image = await picture(name, charts);
  if (image) downloadFile(image, file);
}

/** The chart as it is shown, with the name of the run above, and what happened in words below. */
async function picture(name: string, charts: ChartModel): Promise<Blob | null> {
  const { plot } = charts;
  if (!plot) return null;
  const chart = plot.ctx.canvas;
  const scale = devicePixelRatio;
  const style = getComputedStyle(plot.root);
  const colour = (variable: string) => style.getPropertyValue(variable).trim();
  const legend = [
    [colour('--chart-raw'), t('train.raw')],
    [colour('--accent'), `${t('train.smoothed')} (${metrics.smoothing.toFixed(2)})`],
    ...(metrics.evaluations.length > 0 ? [[colour('--chart-eval'), t('train.evaluation')]] : []),
  ] as [string, string][];
  // Of checkpoints there are many; the ticks on the axis are enough.
  const events = allMarks()
    .filter(({ kind }) => kind !== 'saved')
    .map(({ kind, step }) => t('mark.at', { what: markWords(kind), step: formatCount(step) }));
  const [head, foot, pad] = [52 * scale, (events.length > 0 ? 30 : 8) * scale, 16 * scale];
  const canvas = document.createElement('canvas');
  canvas.width = chart.width + 2 * pad;
  canvas.height = chart.height + head + foot;
  const context = canvas.getContext('2d');
  if (!context) return null;
  const write = (text: string, x: number, y: number, size: number, ink: string, weight = 400) => {
    context.font = `${weight} ${size * scale}px ${style.fontFamily}`;
    context.fillStyle = ink;
    context.fillText(text, x, y, canvas.width - x - pad);
    return context.measureText(text).width;
  };
  context.fillStyle = colour('--surface');
  context.fillRect(0, 0, canvas.width, canvas.height);
  write(name || t('train.chart'), pad, 20 * scale, 14, colour('--ink'), 600);
  let x = pad;
  for (const [ink, words] of legend) {
    context.fillStyle = ink;
    context.fillRect(x, 34 * scale, 16 * scale, 3 * scale);
    x += 22 * scale;
    x += write(words, x, 40 * scale, 12, colour('--ink-2')) + 18 * scale;
  }
  context.drawImage(chart, pad, head);
  if (events.length > 0)
    write(events.join(' · '), pad, head + chart.height + 18 * scale, 12, colour('--ink-2'));
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}
