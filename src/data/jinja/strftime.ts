const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const DAY_MS = 86_400_000;

/** Widest field a directive may ask for. */
const MAX_WIDTH = 1000;

/** A directive: flags, width and modifier of glibc, and its letter. */
const DIRECTIVE = /%([_\-0^#]*)(\d*)([EO]?)([\s\S]?)/gu;

/**
 * datetime.strftime of a time without a zone, in the C locale with glibc; local time. What glibc does not know stays as
 * it stands.
 */
export function strftime(date: Date, format: string): string {
  return format.replace(
    DIRECTIVE,
    (whole, flags: string, width: string, _modifier: string, letter: string) => {
      const found = directive(date, letter);
      if (found === null || Number(width) > MAX_WIDTH) return whole;
      const { text, pad, size } = found;
      const fill = flags.includes('-') ? '' : flags.includes('_') ? ' ' : flags.includes('0') ? '0' : pad;
      const wide = width === '' ? size : Math.max(Number(width), size);
      const padded = fill === '' ? text : text.padStart(wide, fill);
      const upper = flags.includes('^') || (flags.includes('#') && !'pZ'.includes(letter));
      return upper ? padded.toUpperCase() : flags.includes('#') ? padded.toLowerCase() : padded;
    },
  );
}

interface Field {
  text: string;
  pad: string;
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
    case 'f':
      return word(`${String(date.getMilliseconds()).padStart(3, '0')}000`);
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
      return number(Math.floor(date.getTime() / 1000), 1);
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
    // A time without a zone has no name and no offset.
    case 'z':
    case 'Z':
      return word('');
    case '%':
      return word('%');
    default:
      return null;
  }
}

/** The week of ISO 8601 and the year it belongs to: that of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7)),
  );
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 };
}
