import type { HubModelFacts } from '../../../hosts/browser/hubProtocol.ts';
import type { ModelSource, ModelSummary } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface ModelState {
  status: 'none' | 'opening' | 'ready';
  /** The current or last open folder. */
  source: ModelSource | null;
  /** Name of the folder being opened. */
  opening: string;
  summary: ModelSummary | null;
  /** The folder that was dropped, where the browser gives it: it can be opened again with one click. */
  handle: FileSystemDirectoryHandle | null;
  /** The Hub's metadata of the model; null for local files. */
  hub: HubModelFacts | null;
  /** `fallback`: the model has no chat template, so the plain format is used. */
  tokenizer: 'none' | 'model' | 'fallback';
  error: ErrorNote | null;
  /** Error of the tokenizer; the model itself is open. */
  tokenizerError: ErrorNote | null;
}

export interface ModelSlice {
  model: ModelState;
  /** Opens a model, after confirmation if that would discard an unsaved adapter. */
  chooseModel(
    source: ModelSource,
    hub?: HubModelFacts,
    handle?: FileSystemDirectoryHandle | null,
  ): Promise<void>;
  /** Closes the model, and forgets what belongs to it. */
  closeModel(): void;
  /** Forgets the run and its result, which belong to another project; a result that is stored nowhere stays. */
  forgetRun(): void;
  /** Reopens the last model after its worker was lost. */
  reopenModel(): Promise<void>;
  /** Shows why a selection could not be opened; the open model stays. */
  refuseModel(error: unknown): void;
  dismissModelError(): void;
}

export const emptyModel: ModelState = {
  status: 'none',
  source: null,
  opening: '',
  summary: null,
  handle: null,
  hub: null,
  tokenizer: 'none',
  error: null,
  tokenizerError: null,
};
