import type { JsonCursor, RawValue } from './jsonCursor.ts';

/** A field of a JSON object, or of an object nested in it. */
export interface OutlineField {
  path: readonly string[];
  kind: 'list' | 'object' | 'text' | 'other';
  /** Byte offset of its value. */
  offset: number;
  /** Line of its value, from 1. */
  line: number;
  /** Number of members of a list or object. */
  count: number;
  /** The type of its members; empty if there are none. */
  members: ReadonlySet<OutlineField['kind']>;
  /** Field names of its first member that is an object; for an object, its own first names. */
  names: readonly string[];
  /** The first names, if its members are texts. */
  texts: readonly string[];
  /** Whether its value is complete. */
  closed: boolean;
}

/** The structure of a JSON object, without its content. */
export interface Outline {
  fields: OutlineField[];
  /** Number of fields of the object. */
  count: number;
  /** What follows the object: it is the whole file, others follow, the file ends in it, or its grammar breaks. */
  end: 'whole' | 'more' | 'cut' | 'broken';
  /** Whether the object spans several lines. */
  spansLines: boolean;
}

/** Fields beyond this are only counted: an object with so many is a table by its keys. */
const MAX_FIELDS = 1000;
const MAX_NAMES = 100;
const MAX_NESTING = 3;
/** Only the first members of a list are inspected. */
const MAX_INSPECTED = 3;

const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const QUOTE = 0x22;

/**
 * Walks through the first JSON object of a file, where the cursor is, and describes its fields. Reads no further than
 * the object and holds none of its lists.
 */
export async function outlineOf(cursor: JsonCursor): Promise<Outline> {
  await cursor.peek();
  const { line } = cursor;
  const fields: OutlineField[] = [];
  const top: Members = { count: 0, kinds: new Set(), names: [] };
  const state = await walkObject(cursor, [], fields, top);
  const spansLines = cursor.line > line;
  const end = state !== 'whole' ? state : (await cursor.peek()) < 0 ? 'whole' : 'more';
  return { fields, count: top.count, end, spansLines };
}

type State = 'whole' | 'cut' | 'broken';

interface Members {
  count: number;
  kinds: Set<OutlineField['kind']>;
  names: string[];
}

async function walkObject(
  cursor: JsonCursor,
  path: readonly string[],
  fields: OutlineField[],
  members: Members,
): Promise<State> {
  cursor.skip();
  if ((await cursor.peek()) === 0x7d) return closed(cursor);
  for (;;) {
    const quote = await cursor.peek();
    if (quote !== QUOTE) return quote < 0 ? 'cut' : 'broken';
    const key = await cursor.value();
    if (!key.sound) return stateOf(key);
    const name = parsed(key);
    if (typeof name !== 'string') return 'broken';
    if ((await cursor.peek()) !== 0x3a) return (await cursor.peek()) < 0 ? 'cut' : 'broken';
    cursor.skip();
    const first = await cursor.peek();
    members.count++;
    members.kinds.add(kindOf(first));
    if (members.names.length < MAX_NAMES) members.names.push(name);
    const state = await walkField(cursor, [...path, name], first, fields);
    if (state !== 'whole') return state;
    const after = await cursor.peek();
    if (after === 0x7d) return closed(cursor);
    if (after !== 0x2c) return after < 0 ? 'cut' : 'broken';
    cursor.skip();
  }
}

async function walkField(
  cursor: JsonCursor,
  path: readonly string[],
  first: number,
  fields: OutlineField[],
): Promise<State> {
  const { line, offset } = cursor;
  const kind = kindOf(first);
  const members: Members = { count: 0, kinds: new Set(), names: [] };
  const texts: string[] = [];
  const field: OutlineField = {
    path,
    kind,
    offset,
    line,
    count: 0,
    members: members.kinds,
    names: members.names,
    texts,
    closed: false,
  };
  if (fields.length < MAX_FIELDS) fields.push(field);
  let state: State;
  if (kind === 'list') state = await walkList(cursor, members, texts);
  else if (kind === 'object' && path.length < MAX_NESTING) {
    state = await walkObject(cursor, path, fields, members);
  } else state = stateOf(await cursor.value(false));
  field.count = members.count;
  field.closed = state === 'whole';
  return state;
}

async function walkList(cursor: JsonCursor, members: Members, texts: string[]): Promise<State> {
  cursor.skip();
  if ((await cursor.peek()) === 0x5d) return closed(cursor);
  for (;;) {
    const kind = kindOf(await cursor.peek());
    const looks = members.count < MAX_INSPECTED || (kind === 'text' && texts.length < MAX_NAMES);
    members.kinds.add(kind);
    const value = await cursor.value(looks);
    if (!value.sound) return stateOf(value);
    members.count++;
    if (looks) {
      const item = parsed(value);
      if (typeof item === 'string') texts.push(item);
      else if (typeof item === 'object' && item && !Array.isArray(item) && members.names.length === 0) {
        members.names.push(...Object.keys(item).slice(0, MAX_NAMES));
      }
    }
    const after = await cursor.peek();
    if (after === 0x5d) return closed(cursor);
    if (after !== 0x2c) return after < 0 ? 'cut' : 'broken';
    cursor.skip();
  }
}

function closed(cursor: JsonCursor): State {
  cursor.skip();
  return 'whole';
}

function stateOf({ sound, cut }: RawValue): State {
  return sound ? 'whole' : cut ? 'cut' : 'broken';
}

function kindOf(first: number): OutlineField['kind'] {
  if (first === OPEN_LIST) return 'list';
  if (first === OPEN_OBJECT) return 'object';
  return first === QUOTE ? 'text' : 'other';
}

/** A short value; undefined for others. */
function parsed({ bytes }: RawValue): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array(0)));
  } catch {
    return undefined;
  }
}
