import axe from 'axe-core';
import type { Studio } from './studio.ts';

/** What axe finds wrong with the page as it is now, one line each: the rule and where it is broken. */
export async function accessibilityProblems(
  studio: Pick<Studio, 'runScript' | 'evaluate'>,
): Promise<string[]> {
  await studio.runScript(axe.source);
  return studio.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
  }, null);
}
