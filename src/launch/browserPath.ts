import { findChromium } from '../../e2e/harness/chromiumOptions.ts';
import { findFirefox } from '../../e2e/harness/firefoxOptions.ts';

/** Prints where the browser named by the argument is, or nothing. */
const find = { chromium: findChromium, firefox: findFirefox }[process.argv[2] ?? ''];
console.log(find?.() ?? '');
