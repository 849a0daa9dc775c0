import type { Recipe } from '../../../base/config/recipe.ts';
import type { MixedFrom, MixRequest, ModelSource } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** An adapter of the open model that was opened or mixed: it stays at hand until the page is left or another model is opened. */
export interface Shelved {
  id: string;
  name: string;
  rank: number;
  modules: number;
  warnings: ErrorNote[];
}

/** An adapter that can be mixed with others. */
export interface Mixable {
  name: string;
  from: MixedFrom;
}

/** What is mixed, with a weight each, and how. */
export interface Mix extends Omit<MixRequest, 'adapters'> {
  adapters: (Mixable & { weight: number })[];
}

/** The trained state in the engine: an adapter or, with method "full", a model whose parameters were all trained. */
export type Adapter = { saved: boolean } & (
  | {
      origin: 'trained';
      /** Optimizer step of these parameters. */
      steps: number;
      /** Id of the stored run with these parameters as a checkpoint: then they survive the tab. */
      run: string | null;
      /** With "full" there is no adapter to export, and no strength to set. */
      method: Recipe['method'];
    }
  | ({ origin: 'opened' } & Shelved)
);

/** An action that would lose an unsaved adapter, a run or a download, awaiting confirmation. */
export type Question = { proceed: () => void } & (
  | { kind: 'discard' | 'retrain' }
  | { kind: 'remove'; repo: string; bytes: number }
  | { kind: 'removeRun' | 'removeProject'; name: string }
);

export interface AdapterSlice {
  adapter: Adapter | null;
  /** The latest last. */
  shelf: readonly Shelved[];
  /** Whether an adapter is looked up, read, mixed or loaded. */
  openingAdapter: boolean;
  adapterError: ErrorNote | null;
  question: Question | null;
  /** Loads a PEFT folder, after confirmation if that would discard an unsaved adapter. */
  openAdapter(source: ModelSource): Promise<void>;
  /** Opens an adapter of a Hub: `org/name`, optionally with a revision, or an address. */
  findAdapter(reference: string): Promise<void>;
  /** Takes an adapter of the shelf as that of now, after confirmation likewise. */
  takeShelved(id: string): Promise<void>;
  removeShelved(id: string): Promise<void>;
  /** Mixes adapters into one, which becomes that of now. */
  mixAdapters(mix: Mix): Promise<void>;
  refuseAdapter(error: unknown): void;
  dismissAdapterError(): void;
  /**
   * Does something that discards the adapter: at once if it is saved, otherwise after one confirmation for all of it.
   */
  unlessUnsaved(kind: 'discard' | 'retrain', action: () => Promise<void>): Promise<void>;
  answerQuestion(yes: boolean): void;
  /** Called when the engine's worker or device is lost: its state is gone, the page's remains. */
  engineLost(error: unknown): void;
}
