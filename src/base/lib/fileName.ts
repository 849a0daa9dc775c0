import { GraftError } from './errors.ts';
import { reorders } from './visibleText.ts';

/**
 * Whether `file` names a file in a flat folder: no separators, drives, control characters, characters that reorder text,
 * `.` or `..`.
 */
export function isPlainFileName(file: string): boolean {
  return (
    file !== '' &&
    file !== '.' &&
    file !== '..' &&
    file.length <= 255 &&
    !/[/\\:\p{Cc}]/u.test(file) &&
    !reorders(file)
  );
}

/** Throws `storage.bad_name` unless `file` is a plain file name. */
export function checkFileName(file: string): void {
  if (!isPlainFileName(file)) throw new GraftError('storage.bad_name', { file: file.slice(0, 200) });
}

/** A file name made of a name: letters, digits and some signs stay. Empty where none of it can. */
export function fileNameOf(name: string): string {
  return name
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replace(/^[. ]+/, '')
    .trim()
    .slice(0, 80);
}
