import { bytesText } from './downloadReporter.ts';
import { canRedraw, endRedraw, log, redraw } from './terminal.ts';

/** Between two lines, where stderr is no terminal, and between two changes of the line where it is. */
const LINE_MS = 5_000;
const CHANGE_MS = 200;

/** Tells on stderr how much of a large file is tokenized: a line that changes in a terminal, else one now and then. */
export function streamReporter(): {
  progress: (done: number, total: number, rows: number) => void;
  end: () => void;
} {
  const inPlace = canRedraw();
  let told = performance.now();
  let line = '';
  const tell = () => (inPlace ? redraw(line) : log(line));
  return {
    progress(done, total, rows) {
      const share = total === 0 ? 100 : Math.floor((100 * done) / total);
      line = `${share} % of ${bytesText(total)} read, ${rows} rows tokenized`;
      const now = performance.now();
      if (now - told < (inPlace ? CHANGE_MS : LINE_MS)) return;
      told = now;
      tell();
    },
    end() {
      if (line === '') return;
      tell();
      if (inPlace) endRedraw();
    },
  };
}
