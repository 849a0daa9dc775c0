/** The script of a page that runs functions of a recipe as the studio does, but that page and engine are one thread. */
import { GraftError } from '../base/lib/errors.ts';
import type { FunctionInput, RewardFunction, RewardFunctions } from '../content/rewards/functions.ts';
import type { EngineApi } from '../hosts/browser/protocol.ts';
import { openSandbox } from '../hosts/browser/rewards/openSandbox.ts';
import { createSandboxLink } from '../hosts/browser/rewards/sandboxLink.ts';
import { serveSandboxes } from '../hosts/browser/rewards/serveSandboxes.ts';

/** What came of it: [inputs][functions], or an error's code and detail; and how many frames were left when all had ended. */
export interface ScoredInPage {
  scores?: (number | null)[][];
  code?: string;
  detail?: unknown;
  frames: number;
}

/** The page's functions for a test. */
export interface RewardPage {
  score(
    functions: readonly RewardFunction[],
    inputs: readonly FunctionInput[],
    allowed: boolean,
  ): Promise<ScoredInPage>;
  /**
   * Runs a script as it is: where functions run, or in a worker of the page. @returns what it posts to the port of its message
   */
  run(script: string, framed: boolean): Promise<unknown>;
}

declare global {
  var rewardPage: RewardPage;
}

globalThis.rewardPage = {
  async score(functions, inputs, allowed) {
    const link = createSandboxLink();
    const call = { connectSandboxes: async (port: MessagePort) => link.connect(port) } as EngineApi;
    const onStart = (listener: () => void) => listener();
    serveSandboxes({ call, onStart, onCrash: () => undefined }, async () => allowed);
    const found: Partial<ScoredInPage> = {};
    let ready: RewardFunctions | null = null;
    try {
      ready = await link.functions(functions);
      await ready.score(inputs);
      // They are called again as often as there are steps.
      found.scores = await ready.score(inputs);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      Object.assign(found, { code: error.code, detail: error.params.detail });
    } finally {
      ready?.end();
    }
    // An end is a message; the next one comes after it.
    while (document.querySelector('iframe')) await new Promise((resolve) => setTimeout(resolve));
    return { ...found, frames: document.querySelectorAll('iframe').length };
  },
  async run(script, framed) {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    const end = (framed ? openSandbox : openHere)(script, port2);
    try {
      return await answer;
    } finally {
      end();
    }
  },
};

/** As `openSandbox`, with nothing around it. */
function openHere(script: string, port: MessagePort): () => void {
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  worker.onmessage = () => worker.postMessage(null, [port]);
  return () => worker.terminate();
}
