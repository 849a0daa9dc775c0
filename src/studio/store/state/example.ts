/** Datasets that ship with the page. */
export const sampleFiles = ['pirate-talk', 'new-villager', 'robot-stories'] as const;
export type SampleFile = (typeof sampleFiles)[number];

export interface ExampleSlice {
  /** Whether the example is running, or its result still on the page. */
  example: boolean;
  /** Hides the guide through the example. */
  endExample(): void;
  /** Opens the starter model. */
  openStarter(): Promise<void>;
  /** Reads one of the datasets that ship with the page. */
  openSample(file: SampleFile): Promise<void>;
  /** Loads starter model, sample data and a matching recipe, and trains; works offline. */
  runExample(): Promise<void>;
  /** Has both sides answer a question of the example, or what is typed, or what they have not answered yet. */
  compareExample(): Promise<void>;
}
