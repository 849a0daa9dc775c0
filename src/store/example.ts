import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import type { ModelSource } from '../workers/protocol.ts';
import { busyWith, type SliceOf } from './state.ts';

/** Data sets that come with the page. */
export const sampleFiles = ['pirate-talk', 'new-villager', 'robot-stories'] as const;
export type SampleFile = (typeof sampleFiles)[number];

/** What makes the starter model talk like a pirate in well under a minute: few steps with a high rate, as suits its size. */
const exampleRecipe: Partial<Recipe> = {
  rank: 8,
  alpha: 16,
  lr: 3e-3,
  max_steps: 60,
  batch_size: 4,
  max_length: 256,
};
const exampleData: SampleFile = 'pirate-talk';
const examplePrompts = ['Who are you?', 'What does Pip eat?'];

const fileOf = (sample: SampleFile): string => `${sample}.jsonl`;

/** The address of what comes with the page, wherever it lies. */
function bundled(path: string): string {
  return new URL(`${import.meta.env.BASE_URL}${path}`, document.baseURI).href;
}

/** The small model that comes with the page. */
export function starterSource(): Extract<ModelSource, { kind: 'bundled' }> {
  return { kind: 'bundled', name: 'graft-starter', url: bundled('starter/') };
}

export interface ExampleSlice {
  /** Whether the example is under way, or its result still there to be looked at. */
  example: boolean;
  /** Puts the guide through the example away. */
  endExample(): void;
  /** Opens the starter model. */
  openStarter(): Promise<void>;
  /** Reads one of the data sets that come with the page. */
  openSample(file: SampleFile): Promise<void>;
  /** Takes starter model, sample data and a recipe that suits both, and trains; without a network too. */
  runExample(): Promise<void>;
}

export const createExampleSlice: SliceOf<ExampleSlice> = () => (set, get) => ({
  example: false,
  endExample: () => set({ example: false }),
  openStarter: () => get().chooseModel(starterSource()),
  openSample: (file) => get().openSampleAt(bundled(`samples/${fileOf(file)}`)),
  async runExample() {
    if (busyWith(get())) return;
    await get().unlessUnsaved('discard', async () => {
      set({ example: true });
      get().setFields({ ...defaultRecipe(), ...exampleRecipe });
      await get().openStarter();
      if (get().model.summary?.name !== starterSource().name) return;
      await get().openSample(exampleData);
      const { summary, tokenized } = get().dataset;
      // What could not be read leaves the data of before.
      if (summary?.name !== fileOf(exampleData) || !tokenized) return;
      get().setSamplePrompts(examplePrompts);
      get().setRequest({ prompt: examplePrompts[0] });
      await get().train();
    });
  },
});
