import type { PushOutcome, PushProgress } from '../../../hosts/browser/hubProtocol.ts';
import type { Progress } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** What is pushed: the adapter, or a merged model with the export settings. */
export type PushWhat = 'adapter' | 'merged';

export interface PushState {
  status: 'idle' | 'merging' | 'sending' | 'done' | 'failed';
  what: PushWhat;
  /** Where it is pushed to. */
  repo: string;
  progress: Progress | PushProgress | null;
  outcome: PushOutcome | null;
  error: ErrorNote | null;
}

export interface PushSlice {
  pushing: PushState;
  /** Pushes to a repo of the Hub as one commit; `hidden` makes a new repo private. */
  push(what: PushWhat, repo: string, hidden: boolean): Promise<void>;
  /** Pushes again what was refused for a local path in it. */
  pushAnyway(): Promise<void>;
  /** Stops the current push; sent files are not sent again. */
  cancelPush(): Promise<void>;
  dismissPush(): void;
}

export const emptyPush: PushState = {
  status: 'idle',
  what: 'adapter',
  repo: '',
  progress: null,
  outcome: null,
  error: null,
};
