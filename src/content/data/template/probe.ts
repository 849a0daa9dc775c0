/**
 * A text for probing templates: a noncharacter (reserved by Unicode for internal use) between letters, which no
 * template matches and trimming leaves unchanged.
 */
export const PROBE = 'q\ufdd3q';
