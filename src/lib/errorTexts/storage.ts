import type { ErrorText } from './types.ts';

export const storageErrors = {} satisfies Record<string, ErrorText>;
