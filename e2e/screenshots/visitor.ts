import { dropFiles } from '../harness/dropFiles.ts';
import type { Page } from 'playwright';
import { t, type TextKey } from '../../src/ui/text/index.ts';

/** Time for what loads or computes, in ms: software adapters are slow. */
const PATIENCE = 90_000;

/** A person at the page, who knows texts by their keys, so that the same visit is made in any language. */
export class Visitor {
  constructor(readonly page: Page) {}

  /** Presses the button of that name, inside `scope` where there are several. */
  async press(key: TextKey, scope = 'body'): Promise<void> {
    await this.page
      .locator(scope)
      .getByRole('button', { name: t(key), exact: true })
      .first()
      .click({ timeout: PATIENCE });
  }

  /** Waits until a text is shown; of one with parameters, as much as stands before the first. */
  async see(key: TextKey, params: Record<string, string | number> = {}): Promise<void> {
    const text = t(key, params).split('{')[0]!.trim();
    await this.page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: PATIENCE });
  }

  /** Opens the fold of that title. */
  async unfold(key: TextKey): Promise<void> {
    const fold = this.page.getByRole('button', { name: t(key) }).first();
    if ((await fold.getAttribute('aria-expanded')) === 'false') await fold.click();
  }

  async fill(key: TextKey, value: string): Promise<void> {
    await this.page.getByLabel(t(key), { exact: true }).first().fill(value);
  }

  /** Drops files or folders of the disk where models or data are dropped. */
  drop(what: 'model' | 'data', paths: readonly string[]): Promise<void> {
    return dropFiles(this.page, `.drop[data-drop="${what}"]`, paths);
  }

  async giveRecipe(path: string): Promise<void> {
    await this.page.locator('input[accept=".json,application/json"]').setInputFiles(path);
  }
}
