import { messageOf, type ErrorCode, type ErrorParams } from '../../../base/lib/errors.ts';

/**
 * Why a row's text is not valid JSON: a known kind of mistake, or the parser's message.
 * @param error the error that parsing it threw
 */
export function jsonProblem(text: string, error: unknown): { code: ErrorCode; params?: ErrorParams } {
  const trimmed = text.trim();
  if (trimmed.includes('\0')) return { code: 'data.nul_bytes' };
  if (/^(?:\/\/|\/\*|#)/.test(trimmed)) return { code: 'data.json_comment' };
  if (looksLikePython(trimmed)) return { code: 'data.json_python' };
  if (/^(?:[[\]]|\],)$/.test(trimmed)) return { code: 'data.json_bracket_line' };
  if (trimmed.endsWith(',') && isJson(trimmed.slice(0, -1))) return { code: 'data.json_trailing_comma' };
  return { code: 'data.invalid_json', params: { detail: messageOf(error) } };
}

/** Whether text looks like Python's `repr` of a list or dict: single quotes, None, True, False. */
export function looksLikePython(text: string): boolean {
  if (!/^\s*[[{(]/.test(text)) return false;
  if (/^[\s[({]*'/.test(text)) return true;
  // Words outside strings in double quotes.
  return /[:[,(]\s*(?:None|True|False)\s*(?:[,\]})]|$)/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
