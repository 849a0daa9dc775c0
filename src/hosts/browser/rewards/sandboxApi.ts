/** A function of a recipe, as the page shows it to the user. */
export interface SandboxedSource {
  /** What its reward is called. */
  name: string;
  /** An expression whose value is the function. */
  source: string;
}

/** What the page does for the engine's worker, which has no document to put a frame into. */
export interface SandboxApi {
  /**
   * Starts a function in a frame of its own, if the user allows its text: asked once for each.
   * @param id the caller's, for `close`
   * @param port calls go to its other side; the first message says whether it is a function
   * @returns whether it was allowed
   */
  open(id: string, what: SandboxedSource, port: MessagePort): Promise<boolean>;
  /** Ends a function, whatever it does. */
  close(id: string): Promise<void>;
}
