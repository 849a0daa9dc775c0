import type { DownloadProgress } from '../../workers/hubProtocol.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { t } from '../text/index.ts';

/** How fast a download is, and how long it will take: 12 MB/s · 3 min 20 s left. Empty before that is known. */
export function paceOf({ bytesPerSecond, secondsLeft }: DownloadProgress): string {
  return [
    ...(bytesPerSecond === null ? [] : [t('hub.speed', { speed: formatBytes(bytesPerSecond) })]),
    ...(secondsLeft === null ? [] : [t('hub.timeLeft', { time: formatDuration(secondsLeft) })]),
  ].join(' · ');
}
