import { findChromium } from './chromiumOptions.ts';
import { findFirefox } from './firefoxOptions.ts';

/** Prints the path of the browser named by the argument, or nothing. */
const find = { chromium: findChromium, firefox: findFirefox }[process.argv[2] ?? ''];
console.log(find?.() ?? '');
