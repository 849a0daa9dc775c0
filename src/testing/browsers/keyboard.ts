import type { ChromiumStudio } from './chromium.ts';

/** More stops than any view has. */
const STOPS = 80;

/** Goes through the page by keyboard alone, and counts the keystrokes. */
export class Keyboard {
  keystrokes = 0;

  constructor(private readonly studio: ChromiumStudio) {}

  async press(key: string): Promise<void> {
    this.keystrokes += 1;
    await this.studio.press(key);
  }

  /**
   * Presses a key until the focus is on what has this accessible name. Throws, with all names on the way, where it never
   * is.
   */
  async goTo(name: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    const passed: string[] = [];
    for (let i = 0; i < STOPS; i++) {
      await this.press(key);
      const focused = await this.studio.evaluate(nameOfFocused, null);
      if (focused === name) return;
      passed.push(focused);
    }
    throw new Error(`no “${name}” by ${key}: ${passed.join(', ')}`);
  }
}

/** Runs in the page: the accessible name of the focused element, as far as its label and words give one. */
function nameOfFocused(): string {
  const at = document.activeElement as HTMLElement | null;
  const label = (at as HTMLInputElement | null)?.labels?.[0]?.textContent;
  const name = at?.ariaLabel ?? label ?? at?.querySelector('.rail__name')?.textContent ?? at?.textContent;
  return name?.trim() ?? '';
}
