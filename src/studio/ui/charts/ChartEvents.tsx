import { useEffect, useRef, useState } from 'react';
import { extentOf, markKinds, placeMarks, type PlacedMark } from '../../store/runMarks.ts';
import { formatCount } from '../format.ts';
import { t } from '../text/index.ts';
import type { ChartModel } from './chartModel.ts';
import { allMarks, markWords } from './marks.ts';
import { AXIS_WIDTH, RIGHT_PAD } from './plot.ts';
import { stepBounds, useChartView } from './useChart.ts';

/** Pixels of a letter of the marks' words; Chinese ones are as wide as high. */
const [LETTER, WIDE_LETTER] = [6.4, 12.5];

/** What happened, under its step: in words where there is room, and always as a list for screen readers. */
export function ChartEvents({ charts, version }: { charts: ChartModel; version: number }) {
  const { range } = useChartView(charts);
  const host = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { from, to } = range ?? stepBounds();
  const span = Math.max(1, to - from);
  const axis = Math.max(0, width - AXIS_WIDTH - RIGHT_PAD);
  const xOf = (step: number) => (step < from || step > to ? null : ((step - from) / span) * axis);
  const placed = placeMarks(allMarks(), xOf, axis, (kind) => widthOf(markWords(kind)));
  return (
    <ul className="chart__events" ref={host} aria-label={t('chart.events')} data-version={version}>
      {placed.map((mark) => (
        <li
          key={mark.x}
          className="chart__event"
          data-kind={mark.kind}
          style={{
            left: AXIS_WIDTH + extentOf(mark.x, mark.worded ? widthOf(markWords(mark.kind)) : 6, axis)[0],
          }}
          title={textOf(mark)}
        >
          <span aria-hidden="true">{mark.worded ? markWords(mark.kind) : '·'}</span>
          <span className="hidden">{textOf(mark)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Everything at the place of a mark, with its steps. */
function textOf({ marks }: PlacedMark): string {
  return markKinds
    .flatMap((kind) => {
      const steps = marks.filter((mark) => mark.kind === kind).map(({ step }) => step);
      const [first, last] = [steps[0], steps.at(-1)];
      if (first === undefined || last === undefined) return [];
      const place = first === last ? formatCount(first) : `${formatCount(first)}–${formatCount(last)}`;
      return [t('mark.at', { what: markWords(kind), step: place })];
    })
    .join(t('unit.comma'));
}

function widthOf(words: string): number {
  return [...words].reduce((sum, letter) => sum + (letter > '\u2e80' ? WIDE_LETTER : LETTER), 8);
}
