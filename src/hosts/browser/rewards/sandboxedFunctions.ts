import { GraftError } from '../../../base/lib/errors.ts';
import {
  rewardTable,
  type FunctionResult,
  type RewardFunction,
  type RewardFunctions,
} from '../../../content/rewards/functions.ts';
import type { SandboxApi } from './sandboxApi.ts';
import { SandboxedFunction } from './sandboxedFunction.ts';

/**
 * Functions of a recipe, each in a frame of the page.
 * Throws `train.reward_not_allowed`, and `train.reward_failed` where one is no function.
 */
export async function sandboxedFunctions(
  functions: readonly RewardFunction[],
  page: SandboxApi,
): Promise<RewardFunctions> {
  const opened: SandboxedFunction[] = [];
  const end = () => opened.forEach((one) => one.end());
  try {
    // One after another: the user is asked about each.
    for (const { name, source, seconds } of functions) {
      const one = new SandboxedFunction(seconds, page);
      opened.push(one);
      const result = await one.open({ name, source });
      if (!result) throw new GraftError('train.reward_not_allowed', { name });
      if (result.kind === 'broken')
        throw new GraftError('train.reward_failed', { name, detail: result.message });
    }
  } catch (error) {
    end();
    throw error;
  }
  return {
    end,
    async score(inputs) {
      const asked = inputs.map(({ text, row }) => JSON.stringify([text, row]));
      const columns = await Promise.all(opened.map((one) => resultsOf(one, asked)));
      return rewardTable(functions, columns);
    },
  };
}

/** The results of a function, up to one that breaks it. */
async function resultsOf(one: SandboxedFunction, inputs: readonly string[]): Promise<FunctionResult[]> {
  const results: FunctionResult[] = [];
  for (const input of inputs) {
    const result = await one.call(input);
    results.push(result);
    if (result.kind === 'broken') break;
  }
  return results;
}
