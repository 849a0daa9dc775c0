import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { DataSource } from '../../hosts/browser/dataProtocol.ts';
import type { ModelSource } from '../../hosts/browser/protocol.ts';
import { isCompared } from './sides.ts';
import { busyWith, type SliceOf } from './state.ts';
import type { SampleFile, ExampleSlice } from './state/example.ts';

/**
 * Makes the starter model talk like a pirate in well under a minute: few steps at a high learning rate, as suits its
 * size.
 */
const exampleRecipe: Partial<Recipe> = {
  rank: 8,
  alpha: 16,
  lr: 3e-3,
  max_steps: 40,
  batch_size: 4,
  max_length: 256,
};
const exampleData: SampleFile = 'pirate-talk';
/** Each is answered before, while and after it trains, which takes a software adapter longer than ten steps. */
const examplePrompts = ['Who are you?'];

const fileOf = (sample: SampleFile): string => `${sample}.jsonl`;

/** The address of a file that ships with the page, wherever it is hosted. */
function bundled(path: string): string {
  return new URL(`${import.meta.env.BASE_URL}${path}`, document.baseURI).href;
}

/** The small model that ships with the page. */
export function starterSource(): Extract<ModelSource, { kind: 'bundled' }> {
  return { kind: 'bundled', name: 'graft-starter', url: bundled('starter/') };
}

/** Whether data is that of the example, or its copy in the example's project. */
export function isSample(source: DataSource): boolean {
  const name = source.kind === 'file' ? source.file.name : source.name;
  return name === fileOf(exampleData);
}

export const createExampleSlice: SliceOf<ExampleSlice> = () => (set, get) => ({
  example: false,
  endExample: () => set({ example: false }),
  openStarter: () => get().chooseModel(starterSource()),
  openSample: (file) => get().openSampleAt(bundled(`samples/${fileOf(file)}`)),
  async runExample() {
    if (busyWith(get())) return;
    await get().unlessUnsaved('discard', async () => {
      await get().openExampleProject();
      set({ example: true });
      get().showView('train');
      get().setFields({ ...defaultRecipe(), ...exampleRecipe });
      await get().openStarter();
      if (get().model.summary?.name !== starterSource().name) return;
      await get().openSample(exampleData);
      const { summary, tokenized } = get().dataset;
      // If reading failed, the previous data stays.
      if (summary?.name !== fileOf(exampleData) || !tokenized) return;
      get().setSamplePrompts(examplePrompts);
      get().setRequest({ prompt: examplePrompts[0] });
      await get().train();
    });
  },
  async compareExample() {
    const { request, turns } = get().tryout;
    if (request.prompt.trim() === '' && turns.length > 0 && !isCompared(get())) {
      const last = turns.at(-1)!.answers;
      // One that another adapter answered is asked again.
      return last.left && last.right ? get().regenerate() : get().answerRest();
    }
    if (request.prompt.trim() === '') get().setRequest({ prompt: examplePrompts[0] });
    await get().send();
  },
});
