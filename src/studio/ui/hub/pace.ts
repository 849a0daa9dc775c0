import type { DownloadProgress } from '../../../hosts/browser/hubProtocol.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { t } from '../text/index.ts';

/** Speed of a download and the time left: 12 MB/s · 3 min 20 s left. Empty before they are known. */
export function paceOf({ bytesPerSecond, secondsLeft }: DownloadProgress): string {
  return [
    ...(bytesPerSecond === null ? [] : [t('hub.speed', { speed: formatBytes(bytesPerSecond) })]),
    ...(secondsLeft === null ? [] : [t('hub.timeLeft', { time: formatDuration(secondsLeft) })]),
  ].join(' · ');
}
