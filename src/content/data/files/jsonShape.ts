/** What must be known about JSON before parsing it. */
export interface JsonShape {
  /** Maximum nesting of objects and lists. */
  depth: number;
  /** Whether it may hold numbers whose spelling `JSON.parse` loses: see exactJson.ts. */
  losesNumbers: boolean;
}

const ZERO = 0x30;
const NINE = 0x39;

/** Inspects JSON, valid or broken, in one fast pass over its bytes. */
export function shapeOf(json: Uint8Array): JsonShape {
  const { length } = json;
  let depth = 0;
  let deepest = 0;
  let losesNumbers = false;
  for (let i = 0; i < length; i++) {
    const byte = json[i]!;
    if (byte === 0x22) {
      i++;
      while (i < length && json[i] !== 0x22) i += json[i] === 0x5c ? 2 : 1;
    } else if (byte >= ZERO && byte <= NINE) {
      const start = i;
      while (isDigit(json[i + 1])) i++;
      // Integers of 16 digits may exceed 2^53.
      if (i - start >= 15) losesNumbers = true;
      let integral = false;
      if (json[i + 1] === 0x2e) {
        integral = true;
        i++;
        while (isDigit(json[i + 1])) {
          i++;
          if (json[i] !== ZERO) integral = false;
        }
      }
      const exponent = json[i + 1] === 0x65 || json[i + 1] === 0x45;
      if (integral || exponent) losesNumbers = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { depth: deepest, losesNumbers };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
