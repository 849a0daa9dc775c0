import * as v from 'valibot';
import type { Recipe } from '../../base/config/recipe.ts';
import { rewardNames } from '../../base/config/rewards.ts';
import { hexOf } from '../../base/lib/bytes.ts';
import { serial } from '../../base/lib/serial.ts';
import type { FunctionsSlice } from './state/functions.ts';
import type { SliceOf } from './state.ts';

/** The texts that the user allowed, by their SHA-256. */
const STORAGE_KEY = 'graft.allowedFunctions';
/** So many are remembered, the latest. */
const REMEMBERED = 200;

export const createFunctionsSlice: SliceOf<FunctionsSlice> = () => (set, get) => {
  const allowed = new Set(readAllowed());
  /** One question at a time. */
  const inTurn = serial();
  let answered: ((yes: boolean) => void) | null = null;

  return {
    askedFunction: null,
    allowFunction: ({ name, source }) =>
      inTurn(async () => {
        const hash = await hashOf(source);
        if (allowed.has(hash)) return true;
        const yes = await new Promise<boolean>((resolve) => {
          answered = resolve;
          set({ askedFunction: { name, source } });
        });
        if (yes) {
          allowed.add(hash);
          writeAllowed([...allowed].slice(-REMEMBERED));
        }
        return yes;
      }),
    async allowRewards(recipe) {
      if (!callsFunctions(recipe)) return true;
      const { rewards } = recipe;
      const names = rewardNames(rewards);
      for (const [i, reward] of rewards.entries()) {
        if (reward.kind !== 'javascript') continue;
        if (!(await get().allowFunction({ name: names[i]!, source: reward.source }))) return false;
      }
      return true;
    },
    async onceAllowed(recipe, mayStart, start) {
      if (!mayStart()) return;
      if (recipe && callsFunctions(recipe) && (!(await get().allowRewards(recipe)) || !mayStart())) return;
      await start();
    },
    answerFunction(yes) {
      set({ askedFunction: null });
      answered?.(yes);
      answered = null;
    },
  };
};

/** Whether training by a recipe calls functions of its own, so that the user may have to be asked. */
function callsFunctions({ objective, rewards }: Pick<Recipe, 'objective' | 'rewards'>): boolean {
  return objective === 'grpo' && rewards.some(({ kind }) => kind === 'javascript');
}

async function hashOf(source: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(source));
  return hexOf(new Uint8Array(digest));
}

function readAllowed(): string[] {
  try {
    const found = v.safeParse(v.array(v.string()), JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '[]'));
    return found.success ? found.output : [];
  } catch {
    return [];
  }
}

function writeAllowed(hashes: readonly string[]): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(hashes));
  } catch {
    // Private windows may deny storage; what was allowed then holds for this visit.
  }
}
