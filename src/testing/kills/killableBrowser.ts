/** A tab, in the words that both drivers have. */
export interface KillablePage {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  close(): Promise<void>;
}

/** A browser with a profile on disk, which starts again where it was killed. */
export interface KillableBrowser {
  /** Opens a tab that can call `tell`, in a browser that runs or is started. */
  open(tell: (news: unknown) => void): Promise<KillablePage>;
  /** Ends the process of a tab as a fault in it does. */
  crash(page: KillablePage): Promise<void>;
  /** Ends the browser at once. */
  kill(): Promise<void>;
  /** Closes the browser and removes the profile. */
  close(): Promise<void>;
}
