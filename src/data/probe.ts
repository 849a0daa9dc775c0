/**
 * A text that templates are probed with: a noncharacter (reserved by Unicode for internal use) between letters, which
 * no template looks for and which trimming leaves as it is.
 */
export const PROBE = 'q\ufdd3q';
