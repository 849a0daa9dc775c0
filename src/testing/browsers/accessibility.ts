import axe from 'axe-core';
import type { Studio } from './studio.ts';

/** axe's violations on the current page, one line each: the rule and the element. */
export async function accessibilityProblems(
  studio: Pick<Studio, 'runScript' | 'evaluate'>,
): Promise<string[]> {
  await studio.runScript(axe.source);
  return studio.evaluate(async () => {
    // Colours on their way to others have a contrast that nobody designed.
    const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(transitions.map(({ finished }) => finished));
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
  }, null);
}
