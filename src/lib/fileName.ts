import { GraftError } from './errors.ts';

/** Whether `file` names a file in a flat folder: no separators, drives, control characters, `.` or `..`. */
export function isPlainFileName(file: string): boolean {
  return file !== '' && file !== '.' && file !== '..' && file.length <= 255 && !/[/\\:\p{Cc}]/u.test(file);
}

/** Throws `storage.bad_name` unless `file` is a plain file name. */
export function checkFileName(file: string): void {
  if (!isPlainFileName(file)) throw new GraftError('storage.bad_name', { file: file.slice(0, 200) });
}
