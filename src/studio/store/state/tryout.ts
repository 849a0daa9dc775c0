import type { GenerateRequest, Progress } from '../../../hosts/browser/protocol.ts';
import type { Answerer, ChatTurn } from '../../../hosts/browser/projectsProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** What is typed, and the sampling settings. */
export type TryRequest = Omit<GenerateRequest, 'prompt' | 'weights' | 'trained'> & {
  system: string;
  /** The next message, not sent yet. */
  prompt: string;
  /** The prompt is the beginning of a text to continue, not a message to answer. */
  continueText: boolean;
};

export const sideIds = ['left', 'right'] as const;
export type Side = (typeof sideIds)[number];

/** What answers on a side. Adapters of the shelf are gone with the page, so projects do not store them. */
export type SideAnswerer = Answerer | { kind: 'shelved'; id: string };

/** What answers on each side; on the right possibly nothing. */
export interface Sides {
  left: SideAnswerer;
  right: SideAnswerer | null;
}

/** A checkpoint of a stored run of the open model. */
export interface SideCheckpoint {
  run: string;
  name: string;
  step: number;
  evalLoss: number | null;
  best: boolean;
}

/** An answer that is being written. */
export interface Writing {
  turn: number;
  side: Side;
  text: string;
  tokens: number;
  /** Null for the first token. */
  tokensPerSecond: number | null;
}

/** How the conversation fits into the model's context. */
export interface ContextFit {
  /** Tokens of the prompt, on the side that has more. */
  tokens: number;
  positions: number;
}

export interface TryoutState {
  request: TryRequest;
  sides: Sides;
  /** The conversation: each side continues its own, from the same user turns. */
  turns: readonly ChatTurn[];
  /** The side that is answering. */
  status: 'idle' | Side;
  writing: Writing | null;
  /** Why an answer failed. */
  failed: { turn: number; side: Side; error: ErrorNote } | null;
  /** Weight upload progress, for the first answer. */
  loading: Progress | null;
  /** Of the conversation with what is typed; null while unknown. */
  fit: ContextFit | null;
  /** What editing or clearing dropped, to be brought back until the next message. */
  dropped: { turns: readonly ChatTurn[]; n: number; by: 'edit' | 'clear' } | null;
  /** The last answer was asked again and came out the same. */
  same: boolean;
  /** What may answer besides the base and the adapter. */
  checkpoints: readonly SideCheckpoint[];
  /** The answer that was added to the data last. */
  added: { turn: number; side: Side; position: number } | null;
  /** Why an answer was not added to the data. */
  addError: ErrorNote | null;
}

export interface TryoutSlice {
  tryout: TryoutState;
  setRequest(changes: Partial<TryRequest>): void;
  setSide(side: Side, answerer: SideAnswerer | null): void;
  /** Sends what is typed: each side answers it, after the turns it has not answered yet. */
  send(): Promise<void>;
  /** Answers what has no answer yet, such as after a stop, or on a side that came later. */
  answerRest(): Promise<void>;
  /** Asks the last turn again, with the next seed. */
  regenerate(): Promise<void>;
  /** Replaces a user turn and asks it; what followed is dropped. */
  editTurn(turn: number, text: string): Promise<void>;
  clearChat(): void;
  /** Brings back what was dropped last. */
  undrop(): void;
  stopAnswering(): Promise<void>;
  /** Counts the tokens of the conversation with what is typed. */
  measureContext(): Promise<void>;
  /** Reads which checkpoints of stored runs may answer. */
  readSides(): Promise<void>;
  /** Adds the conversation up to an answer to the data, as a row. */
  addAnswer(turn: number, side: Side): Promise<void>;
}

export const emptyTryout: TryoutState = {
  request: {
    system: '',
    prompt: '',
    continueText: false,
    maxNewTokens: 128,
    temperature: 0,
    topK: 0,
    topP: 1,
    repetitionPenalty: 1,
    seed: 42,
    adapterStrength: 1,
  },
  sides: { left: { kind: 'base' }, right: { kind: 'adapter' } },
  turns: [],
  status: 'idle',
  writing: null,
  failed: null,
  loading: null,
  fit: null,
  dropped: null,
  same: false,
  checkpoints: [],
  added: null,
  addError: null,
};
