import { jsx as reactJsx, jsxs as reactJsxs } from 'react/jsx-runtime';
import { shownProps } from './shownProps.ts';

/** React's JSX runtime, with text as it may be shown. tsconfig.json names it, and `vite.config.ts` for the page. */
export { Fragment, type JSX } from 'react/jsx-runtime';

export const jsx: typeof reactJsx = (type, props, key) => reactJsx(type, shownProps(props), key);

export const jsxs: typeof reactJsxs = (type, props, key) => reactJsxs(type, shownProps(props), key);
