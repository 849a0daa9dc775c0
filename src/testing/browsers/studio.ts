/**
 * The longest wait for what is no training, in ms: a bound against hanging, since software adapters take their time, and
 * a busy machine many times that.
 */
export const WAIT = 200_000;

/** The browsers the studio is tested in. */
export type BrowserName = 'chromium' | 'firefox';

/** A role and an accessible name, as a screen reader announces it. */
export interface Target {
  role: string;
  name: string;
}

/** One page in one browser, driven like a user would. Every wait fails with an error that shows the page. */
export interface Studio {
  readonly browser: BrowserName;
  /** Errors that the page logged or did not catch, in order. */
  readonly problems: string[];
  /** Opens a path below the studio's address. */
  open(path?: string): Promise<void>;
  /** Closes the tab without its unload events, as a crash does, and returns another one with the same storage. */
  killTab(): Promise<void>;
  /** Shows the view of this name, by its link in the rail. */
  view(name: string): Promise<void>;
  /** Clicks the element with this role and name, once it is there and enabled. */
  click(target: Target): Promise<void>;
  /** Replaces the text of the field with this accessible name, among those that are shown. */
  fill(name: string, value: string): Promise<void>;
  /** Selects the option of that text in the list with this accessible name. */
  select(name: string, option: string): Promise<void>;
  /** Clicks a button that opens the browser's file dialog, and chooses these files there. */
  chooseFiles(target: Target, paths: readonly string[]): Promise<void>;
  /** Sets the files of the `<input type="file">` matching the selector. */
  setFiles(selector: string, paths: readonly string[]): Promise<void>;
  /**
   * Drops files onto the element that the selector finds, wherever the page has moved it, as soon as the page takes
   * drops. In Chromium it is the browser's own drop and may contain folders; in Firefox, which has no such command, an
   * event with the same files.
   */
  dropFiles(selector: string, paths: readonly string[]): Promise<void>;
  /** Waits until the page shows a text: a string anywhere in it, or a pattern. Returns the page's text. */
  waitForText(text: string | RegExp, timeoutMs?: number): Promise<string>;
  /** The page's text. */
  text(): Promise<string>;
  /** Runs a function in the page; argument and result are JSON. */
  evaluate<A, R>(f: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  /** Runs a script in the page as its driver, regardless of the page's policy. */
  runScript(source: string): Promise<void>;
  /** Runs an action that starts a download and waits for the complete file. Returns its path. */
  download(start: () => Promise<void>, timeoutMs?: number): Promise<string>;
  /** Sets the size of the window in CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  /** Emulates the system's colour scheme; Chromium only, Firefox throws. */
  colorScheme(scheme: 'light' | 'dark'): Promise<void>;
  /** Saves a screenshot of the whole page as e2e/output/<browser>-<name>.png. */
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 100;

/** Polls until `read` returns something other than undefined and false; throws `message()` on timeout. */
export async function poll<T>(
  read: () => Promise<T | undefined | false>,
  timeoutMs: number,
  message: () => Promise<string>,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`after ${timeoutMs} ms: ${await message()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits for a text in the page of `studio`; see `Studio.waitForText`. */
export function waitForText(studio: Studio, text: string | RegExp, timeoutMs: number): Promise<string> {
  return poll(
    async () => {
      const shown = await studio.text();
      return (typeof text === 'string' ? shown.includes(text) : text.test(shown)) && shown;
    },
    timeoutMs,
    async () =>
      `no ${String(text)} in ${studio.browser}; problems: ${studio.problems.join(' | ') || 'none'}; ` +
      `the page shows:\n${await studio.text()}`,
  );
}
