import { GraftError } from '../../../base/lib/errors.ts';
import { connectWorker } from '../../../base/threads/workerClient.ts';
import type { RewardFunction, RewardFunctions } from '../../../content/rewards/functions.ts';
import type { SandboxApi } from './sandboxApi.ts';

/** A worker's connection to the page that runs functions of recipes. */
export interface SandboxLink {
  /** Uses this port to the page from now on. */
  connect(port: MessagePort): void;
  /** `Host.rewardFunctions`. Throws `train.no_reward_functions` where no page is connected, and what they throw. */
  functions(functions: readonly RewardFunction[]): Promise<RewardFunctions>;
}

/** A link that is not connected yet. */
export function createSandboxLink(): SandboxLink {
  let page: SandboxApi | null = null;
  return {
    connect(port) {
      const terminate = () => port.close();
      page = connectWorker<SandboxApi>('page', () => Object.assign(port, { terminate })).call;
    },
    async functions(functions) {
      if (!page) throw new GraftError('train.no_reward_functions', { name: functions[0]?.name ?? '' });
      const { sandboxedFunctions } = await import('./sandboxedFunctions.ts');
      return sandboxedFunctions(functions, page);
    },
  };
}
