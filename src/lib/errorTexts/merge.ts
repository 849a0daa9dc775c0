import type { ErrorText } from './types.ts';

export const mergeErrors = {} satisfies Record<string, ErrorText>;
