import type { DownloadProgress, HubDataFacts } from '../../../hosts/browser/hubProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface DataHubState {
  /** The dataset being looked up. */
  lookingUp: string | null;
  found: HubDataFacts | null;
  /** The file being downloaded. */
  fetching: { path: string; progress: DownloadProgress | null } | null;
  error: ErrorNote | null;
}

export interface DataHubSlice {
  dataHub: DataHubState;
  /** Looks up a dataset, `org/name` with or without a revision or its address, and lists its files. */
  findData(reference: string): Promise<void>;
  /** Downloads one file of the found dataset, and reads its rows. */
  fetchData(path: string): Promise<void>;
  cancelData(): Promise<void>;
  dismissDataHubError(): void;
}

export const emptyDataHub: DataHubState = { lookingUp: null, found: null, fetching: null, error: null };
