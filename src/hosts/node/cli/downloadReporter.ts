import type { DownloadProgress } from '../../../content/hub/progress.ts';
import type { HubRepo } from '../../../content/hub/resolveRepo.ts';
import { canRedraw, endRedraw, log, redraw } from './terminal.ts';

/** Between two lines, where stderr is no terminal, and between two changes of the line where it is. */
const LINE_MS = 5_000;
const CHANGE_MS = 200;

/** Tells on stderr what is downloaded, and how far it is: a line that changes in a terminal, else one now and then. */
export function downloadReporter(model: HubRepo): {
  progress: (now: DownloadProgress) => void;
  end: () => void;
} {
  const inPlace = canRedraw();
  let started = false;
  let told = -Infinity;
  let last: DownloadProgress | undefined;
  const tell = (now: DownloadProgress): void => {
    const line = progressLine(now);
    if (inPlace) redraw(line);
    else log(line);
  };
  return {
    progress(now) {
      if (!started) {
        const license = model.license === null ? '' : `, license ${model.license}`;
        log(`${model.repo} at ${model.commit.slice(0, 12)}: ${bytesText(now.bytesTotal)}${license}`);
        started = true;
      }
      last = now;
      const time = performance.now();
      if (time - told < (inPlace ? CHANGE_MS : LINE_MS)) return;
      told = time;
      tell(now);
    },
    end() {
      if (last === undefined) return;
      tell(last);
      if (inPlace) endRedraw();
    },
  };
}

function progressLine({
  file,
  bytesDone,
  bytesTotal,
  bytesPerSecond,
  secondsLeft,
}: DownloadProgress): string {
  const share = bytesTotal === 0 ? 100 : Math.floor((100 * bytesDone) / bytesTotal);
  const speed = bytesPerSecond === null ? '' : `, ${bytesText(bytesPerSecond)}/s`;
  const left = secondsLeft ? `, ${durationText(secondsLeft)} left` : '';
  return `${share} % of ${bytesText(bytesTotal)}${speed}${left}  ${file}`;
}

/** Bytes as people read them, in powers of a thousand: 1.4 GB. */
export function bytesText(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const number = bytes / 1000 ** power;
  return `${power === 0 ? Math.round(number) : number.toPrecision(3)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`;
}
