import type { DownloadProgress, HubModelFacts } from '../../../hosts/browser/hubProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface DownloadState {
  /** `waiting`: another tab downloads the same model. `stopped`: cancelled by the user; received data stays. */
  status: 'idle' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';
  /** The current or last model. */
  model: HubModelFacts | null;
  progress: DownloadProgress | null;
  error: ErrorNote | null;
}

export interface DownloadSlice {
  download: DownloadState;
  /** Downloads the open model of a Hub to this device, and reopens it from there. */
  downloadModel(): Promise<void>;
  cancelDownload(): Promise<void>;
  dismissDownload(): void;
}

export const emptyDownload: DownloadState = { status: 'idle', model: null, progress: null, error: null };

/** Whether a download is in progress. */
export function isDownloading({ download }: { download: DownloadState }): boolean {
  return ['running', 'waiting', 'stopping'].includes(download.status);
}
