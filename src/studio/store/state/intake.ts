import type { DataPart, DroppedFile, IntakeItem } from '../../../hosts/browser/intakeProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** Something dropped that waits to be opened. */
export interface QueuedItem {
  id: number;
  name: string;
  item: Exclude<IntakeItem, { kind: 'refused' }>;
  /** All that was dropped with it. */
  files: DroppedFile[];
  /** For data: the file to validate with. */
  validation?: File;
  /** The dropped folder, where the browser gives it: if it is the model's own, it can be opened again later. */
  folder: FileSystemDirectoryHandle | null;
}

/** Something dropped that is not opened, and why. */
export interface RefusedDrop {
  id: number;
  error: ErrorNote;
}

/** Why something dropped waits. */
export type WaitReason =
  | 'model'
  | 'noModel'
  | 'train'
  | 'generate'
  | 'adapter'
  | 'merge'
  | 'push'
  | 'benchmark'
  | 'lrSearch'
  | 'reading'
  | 'question'
  | 'project'
  | 'device'
  | 'runs'
  | 'opening';

/** What is to be chosen among things that were dropped at once. */
export type IntakeQuestion =
  | { kind: 'models'; options: QueuedItem[] }
  | {
      kind: 'data';
      item: QueuedItem;
      files: File[];
      parts: DataPart[];
      /** Whether they are one data set in parts. */
      joinable: boolean;
      /** Which of them to train on and to validate with, by their names. */
      split: { train: number; validation: number } | null;
    };

/** The user's answer: one of them by its index, all as one data set, one to train on and one to validate with, or none. */
export type IntakeAnswer = number | 'join' | 'split' | null;

export interface IntakeState {
  /** Number of drops whose content is being looked at. */
  looking: number;
  queue: QueuedItem[];
  /** What is being opened now. */
  opening: QueuedItem | null;
  question: IntakeQuestion | null;
  refused: RefusedDrop[];
  /** Files beside what was opened that are no part of it. */
  unused: string[];
}

export interface IntakeSlice {
  intake: IntakeState;
  /**
   * Takes files that were dropped, pasted or chosen anywhere: says by content what they are, and opens each where it
   * belongs, as soon as the page is free for it.
   * @param folder the dropped folder, where the browser gives it
   */
  takeFiles(files: readonly DroppedFile[], folder?: FileSystemDirectoryHandle | null): Promise<void>;
  /** Shows why something dropped could not be read at all. */
  refuseFiles(error: unknown): void;
  /** Takes something from the queue. */
  removeQueued(id: number): void;
  answerIntake(answer: IntakeAnswer): void;
  dismissRefused(id: number): void;
  dismissUnused(): void;
  /** Called by whoever watches the store: opens what the page is free for. */
  advanceIntake(): void;
}

export const emptyIntake: IntakeState = {
  looking: 0,
  queue: [],
  opening: null,
  question: null,
  refused: [],
  unused: [],
};
