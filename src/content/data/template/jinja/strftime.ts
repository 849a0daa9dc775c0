import { unsupported } from './errors.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const DAY_MS = 86_400_000;

/** Maximum field width. */
const MAX_WIDTH = 1000;

/** A directive: glibc's flags, width and modifier, and its letter. */
const DIRECTIVE = /%([_\-0^#]*)(\d*)([EO]?)([\s\S]?)/gu;

/** Letters that take no modifier, not E, or not O: with one they are not directives. */
const UNMODIFIED = 'aADF';
const NEVER_E = 'bBhdeHIjklMmSUVgGWw';
const NEVER_O = 'cxXY';

/**
 * datetime.strftime of a naive local time, in the C locale with glibc. Unknown directives stay unchanged. Throws
 * TemplateError for values that Python takes from the host machine.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(
    DIRECTIVE,
    (whole, flags: string, width: string, modifier: string, letter: string) => {
      // Python replaces these itself if nothing is in between.
      if (whole === '%f') return `${String(date.getMilliseconds()).padStart(3, '0')}000`;
      if (whole === '%z' || whole === '%Z') return '';
      if (letter === 'z' || letter === 'Z')
        throw unsupported(`the directive ${whole} of strftime: a zone of the machine`);
      if (Number(width) > MAX_WIDTH) throw unsupported(`the directive ${whole} of strftime: it is too wide`);
      const isKnown =
        !(modifier !== '' && UNMODIFIED.includes(letter)) &&
        !(modifier === 'E' && NEVER_E.includes(letter)) &&
        !(modifier === 'O' && NEVER_O.includes(letter));
      const field = (isKnown && letter !== '' ? directive(date, letter) : null) ?? word(whole);
      return fill(field, flags, Number(width), letter);
    },
  );
}

function fill({ text, pad, size }: Field, flags: string, width: number, letter: string): string {
  const [flag = ''] = /[_\-0](?=[\^#]*$)/.exec(flags) ?? [];
  let result = text;
  // The digits of a number first, then what remains of the width.
  if (size > 0 && flag !== '-')
    result = text.padStart(Math.max(size, width), flag === '_' || (flag === '' && pad === ' ') ? ' ' : '0');
  result = result.padStart(width, flag === '0' ? '0' : ' ');
  if (flags.includes('#') && letter === 'p') return result.toLowerCase();
  if (letter === 'P') return result;
  return flags.includes('^') || (flags.includes('#') && 'aAbBh'.includes(letter))
    ? result.toUpperCase()
    : result;
}

interface Field {
  text: string;
  /** Padding of numbers. */
  pad: string;
  /** Digits of a number; 0 for words. */
  size: number;
}

const number = (value: number, size: number, pad = '0'): Field => ({ text: String(value), pad, size });
const word = (text: string): Field => ({ text, pad: ' ', size: 0 });

function directive(date: Date, letter: string): Field | null {
  const [year, month, day, weekday] = [date.getFullYear(), date.getMonth(), date.getDate(), date.getDay()];
  const [hour, minute, second] = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const dayOfYear = Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / DAY_MS);
  const composed = (format: string) => word(strftime(date, format));
  switch (letter) {
    case 'a':
      return word((DAYS[weekday] ?? '').slice(0, 3));
    case 'A':
      return word(DAYS[weekday] ?? '');
    case 'b':
    case 'h':
      return word((MONTHS[month] ?? '').slice(0, 3));
    case 'B':
      return word(MONTHS[month] ?? '');
    case 'c':
      return composed('%a %b %e %H:%M:%S %Y');
    case 'C':
      return number(Math.floor(year / 100), 2);
    case 'd':
      return number(day, 2);
    case 'D':
    case 'x':
      return composed('%m/%d/%y');
    case 'e':
      return number(day, 2, ' ');
    case 'F':
      return composed('%Y-%m-%d');
    case 'g':
      return number(isoWeek(date).year % 100, 2);
    case 'G':
      return number(isoWeek(date).year, 1);
    case 'H':
      return number(hour, 2);
    case 'I':
      return number(hour % 12 || 12, 2);
    case 'j':
      return number(dayOfYear + 1, 3);
    case 'k':
      return number(hour, 2, ' ');
    case 'l':
      return number(hour % 12 || 12, 2, ' ');
    case 'm':
      return number(month + 1, 2);
    case 'M':
      return number(minute, 2);
    case 'n':
      return word('\n');
    case 'p':
      return word(hour < 12 ? 'AM' : 'PM');
    case 'P':
      return word(hour < 12 ? 'am' : 'pm');
    case 'r':
      return composed('%I:%M:%S %p');
    case 'R':
      return composed('%H:%M');
    case 's':
      return word(String(Math.floor(date.getTime() / 1000)));
    case 'S':
      return number(second, 2);
    case 't':
      return word('\t');
    case 'T':
    case 'X':
      return composed('%H:%M:%S');
    case 'u':
      return number(weekday || 7, 1);
    case 'U':
      return number(Math.floor((dayOfYear + 7 - weekday) / 7), 2);
    case 'V':
      return number(isoWeek(date).week, 2);
    case 'w':
      return number(weekday, 1);
    case 'W':
      return number(Math.floor((dayOfYear + 7 - ((weekday + 6) % 7)) / 7), 2);
    case 'y':
      return number(year % 100, 2);
    case 'Y':
      return number(year, 1);
    case '%':
      return word('%');
    default:
      return null;
  }
}

/** The ISO 8601 week and the year it belongs to, that of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7)),
  );
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}
