import { dropFiles } from '../../src/testing/browsers/dropFiles.ts';
import type { Page } from 'playwright';
import type { ViewId } from '../../src/studio/store/state/view.ts';
import { t, type TextKey } from '../../src/studio/ui/text/index.ts';

/** Timeout for loading and computing, in ms: software adapters are slow. */
const PATIENCE = 90_000;

/** A user of the page who refers to texts by key, so that the same visit works in any language. */
export class Visitor {
  constructor(readonly page: Page) {}

  /** Shows a view, by its link in the rail. */
  async view(id: ViewId): Promise<void> {
    await this.page.getByRole('link', { name: t(`view.${id}`), exact: true }).click({ timeout: PATIENCE });
  }

  /** Presses the button of that name, within `scope` if there are several. */
  async press(key: TextKey, scope = 'body'): Promise<void> {
    await this.page
      .locator(scope)
      .getByRole('button', { name: t(key), exact: true })
      .first()
      .click({ timeout: PATIENCE });
  }

  /** Presses the first button that a selector finds, where its name says what it acts on. */
  async pressAt(selector: string): Promise<void> {
    await this.page.locator(selector).filter({ visible: true }).first().click({ timeout: PATIENCE });
  }

  /** Waits until a text is shown; of one with parameters, the part before the first. */
  async see(key: TextKey, params: Record<string, string | number> = {}): Promise<void> {
    const text = t(key, params).split('{')[0]!.trim();
    await this.page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: PATIENCE });
  }

  /** Opens the fold with that title. */
  unfold(key: TextKey): Promise<void> {
    return this.turnFold(key, 'true');
  }

  /** Closes it. */
  fold(key: TextKey): Promise<void> {
    return this.turnFold(key, 'false');
  }

  private async turnFold(key: TextKey, expanded: 'true' | 'false'): Promise<void> {
    const fold = this.page
      .getByRole('button', { name: t(key) })
      .filter({ visible: true })
      .first();
    if ((await fold.getAttribute('aria-expanded')) !== expanded) await fold.click();
  }

  /** Shows the tab of that name. */
  async tab(key: TextKey): Promise<void> {
    await this.page.getByRole('tab', { name: t(key), exact: true }).click({ timeout: PATIENCE });
  }

  /** Chooses the radio of that name. */
  async choose(key: TextKey): Promise<void> {
    // The radio itself is below its label, whose name is followed by its help.
    const name = this.page.locator('.radio__name').getByText(t(key), { exact: true });
    await this.page.locator('label.radio').filter({ has: name }).click({ timeout: PATIENCE });
  }

  async fill(key: TextKey, value: string): Promise<void> {
    await this.page.getByLabel(t(key), { exact: true }).filter({ visible: true }).first().fill(value);
  }

  /** Drops files or folders where models or data are expected. */
  drop(what: 'model' | 'data', paths: readonly string[]): Promise<void> {
    return dropFiles(this.page, `#${what}`, paths);
  }

  async giveRecipe(path: string): Promise<void> {
    await this.page.locator('input[accept=".json,application/json"]').setInputFiles(path);
  }
}
