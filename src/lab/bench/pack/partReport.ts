import { renameSync, writeFileSync } from 'node:fs';
import type { PartQuestion, PartState } from './parts.ts';

/** Milliseconds between writes of results, which grow; what is being done is written each time. */
const PAUSE = 300;

/** Keeps a part's state on disk, where the runner finds it however the part ends. */
export class PartReport {
  readonly result: PartState['result'] = {};
  readonly #file: string;
  readonly #end: number;
  #written = 0;

  constructor({ file, seconds }: PartQuestion) {
    this.#file = file;
    this.#end = performance.now() + 1000 * seconds;
  }

  /** Seconds until nothing more should begin. */
  get left(): number {
    return (this.#end - performance.now()) / 1000;
  }

  /** Notes what begins. */
  begin(doing: string): void {
    writeFileSync(`${this.#file}.doing`, doing);
    if (performance.now() - this.#written > PAUSE) this.write();
  }

  /** Notes what is left out for want of time. */
  skip(name: string): void {
    (this.result.skipped ??= []).push(`${name}: no time left`);
  }

  write(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.result));
    renameSync(`${this.#file}.new`, this.#file);
    this.#written = performance.now();
  }
}
