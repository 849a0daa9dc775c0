import type { Recipe } from '../../../base/config/recipe.ts';
import type { ModelSource } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

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
  | { origin: 'opened'; name: string; rank: number; modules: number; warnings: ErrorNote[] }
);

/** An action that would lose an unsaved adapter, a run or a download, awaiting confirmation. */
export type Question = { proceed: () => void } & (
  | { kind: 'discard' | 'retrain' }
  | { kind: 'remove'; repo: string; bytes: number }
  | { kind: 'removeRun' | 'removeProject'; name: string }
);

export interface AdapterSlice {
  adapter: Adapter | null;
  openingAdapter: boolean;
  adapterError: ErrorNote | null;
  question: Question | null;
  /** Loads a PEFT folder, after confirmation if that would discard an unsaved adapter. */
  openAdapter(source: ModelSource): Promise<void>;
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
