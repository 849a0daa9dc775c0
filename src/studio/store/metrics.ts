import { memoryParts } from '../../base/lib/memoryParts.ts';
import type { CurveRecord, MemoryByPart, TrainEvent } from '../../hosts/browser/protocol.ts';
import { drawnRows, nearestRow, rowFrom } from './drawnRows.ts';
import type { RunMark } from './runMarks.ts';
import { Smoother, smoothingFor } from './smoothing.ts';

/** What the curves take of a step. */
export type StepEvent = Omit<Extract<TrainEvent, { kind: 'step' }>, 'totalSteps'>;

/** Memory of a run that was not measured. */
const noMemory = Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart;

const columns = [
  'step',
  'loss',
  'smoothed',
  'gradNorm',
  'lr',
  'tokensPerSecond',
  'gpuBytes',
  'contextTokens',
  /** Since the step before; NaN for the first, and after a resume. */
  'seconds',
  /** Of preference training; NaN for others. */
  'rewardChosen',
  'rewardRejected',
  'margin',
  'accuracy',
  /** Of sampled answers, with GRPO; NaN for others. */
  'reward',
  'rewardStd',
  'kl',
  'completionLength',
  'withoutSpread',
] as const;
export type Column = (typeof columns)[number];
type RecordedStep = Record<Exclude<Column, 'smoothed'>, number>;

/** Steps over which the speed of a stored run is averaged, as it is while a run trains. */
const SPEED_WINDOW = 10;

/** Chart data: steps in order; `evaluation` has gaps. */
export interface ChartData {
  steps: number[];
  loss: (number | null)[];
  smoothed: (number | null)[];
  evaluation: (number | null)[];
}

/** Steps to draw, both ends included, in so many pixel columns. */
export interface ChartWindow {
  from: number;
  to: number;
  width: number;
}

const wholeRun: ChartWindow = { from: 0, to: Infinity, width: 2000 };

/**
 * The curves of a run, in typed arrays outside React. Listeners are notified at most every `interval` ms, whatever the
 * rate of steps.
 */
export class Metrics {
  #length = 0;
  #data: Record<Column, Float64Array> = emptyColumns(256);
  #evaluations: { step: number; loss: number }[] = [];
  #marks: RunMark[] = [];
  #totalSteps = 0;
  #chosenDecay: number | null = null;
  #smoother = new Smoother(smoothingFor(0));
  #timed = { tokens: 0, seconds: 0 };
  #lastAt: number | null = null;
  #latest: StepEvent | null = null;
  #version = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly interval = 200) {}

  /** Number of optimizer steps recorded. */
  get length(): number {
    return this.#length;
  }

  /** Changes whenever listeners are notified; for useSyncExternalStore. */
  readonly version = (): number => this.#version;

  /** The last step, or null. */
  get latest(): StepEvent | null {
    return this.#latest;
  }

  /** The evaluations so far, in order. */
  get evaluations(): readonly { step: number; loss: number }[] {
    return this.#evaluations;
  }

  /** What happened besides steps, in order: saved, resumed, skipped, lost. */
  get marks(): readonly RunMark[] {
    return this.#marks;
  }

  /** Decay of the smoothed loss; see `smoothingFor` for the default. */
  get smoothing(): number {
    return this.#smoother.decay;
  }

  /** Tokens per second of the whole run, over the time between its steps; NaN before the second step. */
  get meanTokensPerSecond(): number {
    return this.#timed.tokens / this.#timed.seconds;
  }

  /** The value of a column at row `index`. */
  at(column: Column, index: number): number {
    return this.#data[column][index] ?? NaN;
  }

  /** The last smoothed loss: what the page calls the loss of the run. NaN before the first step. */
  get smoothedLoss(): number {
    return this.at('smoothed', this.#length - 1);
  }

  /** The row whose step is nearest; -1 without steps. */
  rowNear(step: number): number {
    return nearestRow(this.#data.step, this.#length, step);
  }

  /** Sets the number of steps, and with it the default smoothing; before the first step. */
  begin(totalSteps: number): void {
    this.#totalSteps = totalSteps;
    this.#smoothAgain();
  }

  /** Smooths the raw curve anew. @param decay from 0 to below 1; null for the default */
  setSmoothing(decay: number | null): void {
    this.#chosenDecay = decay;
    this.#smoothAgain();
    this.flush();
  }

  /**
   * Replays the curves of a stored run; its memory is unknown.
   * @param saved steps of its checkpoints
   */
  restore(curves: readonly CurveRecord[], totalSteps: number, saved: readonly number[] = []): void {
    this.reset();
    this.begin(totalSteps);
    const unknown = {
      tokensPerSecond: NaN,
      secondsLeft: NaN,
      gpuBytes: NaN,
      gpuParts: noMemory,
      spike: false,
    };
    for (const record of curves) {
      if (record.kind === 'step') this.push({ ...record, ...unknown }, record.at);
      if (record.kind === 'eval') this.pushEvaluation(record.step, record.loss);
      if (record.kind === 'resumed') this.#resume(record.step);
    }
    for (const step of saved) this.mark({ kind: 'saved', step });
    this.flush();
  }

  /** Removes everything after a step: the run went back to it. Back at 0, it evaluates again before its first step. */
  rewind(step: number): void {
    const kept = rowFrom(this.#data.step, this.#length, step + 1);
    const latest = this.#latest;
    const marks = this.#marks;
    const evaluations = this.#evaluations.filter((evaluation) => step > 0 && evaluation.step <= step);
    const rows = Array.from({ length: kept }, (_, i) => this.#rowAt(i));
    this.#clear();
    for (const row of rows) this.#append(row);
    this.#evaluations = evaluations;
    // A lost device stays where the run went back to.
    this.#marks = marks.flatMap((mark) =>
      mark.step <= step ? [mark] : mark.kind === 'lost' ? [{ ...mark, step }] : [],
    );
    this.#latest = latest && latest.step <= step ? latest : null;
    this.#resume(step);
    this.flush();
  }

  /**
   * Adds a step. A non-finite loss leaves the smoothed curve unchanged.
   * @param at when it ended, in ms
   */
  push(event: StepEvent, at = Date.now()): void {
    const seconds = this.#lastAt === null ? NaN : Math.max(0, at - this.#lastAt) / 1000;
    this.#lastAt = at;
    this.#append({ ...event, seconds, ...rewardsOf(event) });
    if (event.skipped) this.#marks.push({ kind: 'skipped', step: event.step });
    this.#latest = event;
    this.#schedule();
  }

  /** Adds an evaluation after `step`. */
  pushEvaluation(step: number, loss: number): void {
    this.#evaluations.push({ step, loss });
    this.#schedule();
  }

  /** Adds something that happened after a step. */
  mark(mark: RunMark): void {
    this.#marks.push(mark);
    this.#schedule();
  }

  /** Clears everything, for a new run; the chosen smoothing stays. */
  reset(): void {
    this.#totalSteps = 0;
    this.#clear();
    this.flush();
  }

  /** Notifies the listeners now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#version++;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after changes, batched; returns the unsubscribe function. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The losses in a window, thinned to what its pixels can show; all its evaluations are included. */
  chartData(window: ChartWindow = wholeRun): ChartData {
    const [first, end] = this.#rowsOf(window);
    const rows = new Set(drawnRows(this.#data.loss, first, end, window.width));
    const data: ChartData = { steps: [], loss: [], smoothed: [], evaluation: [] };
    const evaluations = new Map<number, number>();
    for (const { step, loss } of this.#evaluations) {
      if (step < window.from || step > window.to) continue;
      evaluations.set(step, loss);
      const row = rowFrom(this.#data.step, this.#length, step);
      if (this.at('step', row) === step) rows.add(row);
    }
    if (evaluations.has(0)) append(data, 0, NaN, NaN, evaluations.get(0));
    for (const row of [...rows].sort((a, b) => a - b)) {
      const step = this.at('step', row);
      append(data, step, this.at('loss', row), this.at('smoothed', row), evaluations.get(step));
    }
    return data;
  }

  /** One column in a window, thinned to what its pixels can show. */
  columnData(column: Column, window: ChartWindow = wholeRun): { steps: number[]; values: (number | null)[] } {
    const [first, end] = this.#rowsOf(window);
    const rows = drawnRows(this.#data[column], first, end, window.width);
    return {
      steps: rows.map((row) => this.at('step', row)),
      values: rows.map((row) => finite(this.at(column, row))),
    };
  }

  #rowsOf({ from, to }: ChartWindow): [number, number] {
    return [
      rowFrom(this.#data.step, this.#length, from),
      to === Infinity ? this.#length : rowFrom(this.#data.step, this.#length, to + 1),
    ];
  }

  #rowAt(i: number): RecordedStep {
    return Object.fromEntries(columns.map((column) => [column, this.at(column, i)])) as RecordedStep;
  }

  #append(event: RecordedStep): void {
    if (this.#length === this.#data.step.length) this.#grow();
    const i = this.#length++;
    for (const column of columns) if (column !== 'smoothed') this.#data[column][i] = event[column];
    this.#data.smoothed[i] = this.#smoother.next(event.loss);
    if (Number.isFinite(event.seconds)) {
      this.#timed.tokens += event.contextTokens;
      this.#timed.seconds += event.seconds;
    }
    if (!Number.isFinite(event.tokensPerSecond)) this.#data.tokensPerSecond[i] = this.#speedAt(i);
  }

  /** Over the last steps, as far back as the run was not interrupted. */
  #speedAt(i: number): number {
    let [tokens, seconds] = [0, 0];
    for (let row = i; row > i - SPEED_WINDOW && Number.isFinite(this.at('seconds', row)); row--) {
      tokens += this.at('contextTokens', row);
      seconds += this.at('seconds', row);
    }
    return seconds > 0 ? tokens / seconds : NaN;
  }

  #resume(step: number): void {
    this.#lastAt = null;
    if (step > 0) this.mark({ kind: 'resumed', step });
  }

  #smoothAgain(): void {
    this.#smoother = new Smoother(this.#chosenDecay ?? smoothingFor(this.#totalSteps));
    for (let i = 0; i < this.#length; i++) this.#data.smoothed[i] = this.#smoother.next(this.#data.loss[i]!);
  }

  #clear(): void {
    this.#length = 0;
    this.#data = emptyColumns(256);
    this.#evaluations = [];
    this.#marks = [];
    this.#timed = { tokens: 0, seconds: 0 };
    this.#lastAt = null;
    this.#latest = null;
    this.#smoothAgain();
  }

  #grow(): void {
    const larger = emptyColumns(this.#data.step.length * 2);
    for (const column of columns) larger[column].set(this.#data[column]);
    this.#data = larger;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.interval);
  }
}

function rewardsOf({ rewards, completions }: StepEvent) {
  return {
    rewardChosen: rewards?.chosen ?? NaN,
    rewardRejected: rewards?.rejected ?? NaN,
    margin: rewards?.margin ?? NaN,
    accuracy: rewards?.accuracy ?? NaN,
    reward: completions?.reward ?? NaN,
    rewardStd: completions?.rewardStd ?? NaN,
    kl: completions?.kl ?? NaN,
    completionLength: completions?.length ?? NaN,
    withoutSpread: completions?.withoutSpread ?? NaN,
  };
}

function append(data: ChartData, step: number, loss: number, smoothed: number, evaluation?: number): void {
  data.steps.push(step);
  data.loss.push(finite(loss));
  data.smoothed.push(finite(smoothed));
  data.evaluation.push(finite(evaluation ?? NaN));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function emptyColumns(capacity: number): Record<Column, Float64Array> {
  return Object.fromEntries(columns.map((column) => [column, new Float64Array(capacity)])) as Record<
    Column,
    Float64Array
  >;
}
