import type { ErrorText } from './types.ts';

export const dataErrors = {} satisfies Record<string, ErrorText>;
