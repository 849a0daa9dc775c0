import { jsxDEV as reactJsxDEV } from 'react/jsx-dev-runtime';
import { shownProps } from './shownProps.ts';

/** React's JSX runtime of the development server: see `jsx-runtime.ts`. */
export { Fragment, type JSX } from 'react/jsx-dev-runtime';

export const jsxDEV: typeof reactJsxDEV = (type, props, ...rest) =>
  reactJsxDEV(type, shownProps(props), ...rest);
