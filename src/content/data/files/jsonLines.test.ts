import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from './exactJson.ts';
import { memorySource } from '../../../testing/sources.ts';
import { parseDataset } from './parse.ts';

const parse = (content: string, name = 'd.jsonl') => parseDataset(memorySource(name, content));
const codes = ({ problems }: { problems: { line: number; code: string }[] }) =>
  problems.map(({ line, code }) => `${line} ${code}`);
const row = fc.record({ text: fc.string(), n: fc.oneof(fc.integer(), fc.array(fc.jsonValue())) });

describe('objects one after another', () => {
  test('are rows in any layout, with the line where each starts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(row, fc.constantFrom(0, 1, 2), fc.constantFrom('\n', '\n\n', '\r\n', '\r', ' ', '')),
          {
            minLength: 2,
            maxLength: 6,
          },
        ),
        async (written) => {
          let text = '';
          const lines: number[] = [];
          for (const [value, indent, end] of written) {
            lines.push(text.split(/\r\n|\r|\n/).length);
            text += JSON.stringify(value, null, indent) + end;
          }
          const { rows, problems } = await parse(text);
          expect(problems).toEqual([]);
          expect(rows.map(({ value }) => value)).toEqual(
            written.map(([value]) => parseJson(JSON.stringify(value))),
          );
          expect(rows.map(({ line }) => line)).toEqual(lines);
        },
      ),
    );
  });

  test('a truncated or foreign line leaves the others intact', async () => {
    const bad = fc.oneof(
      fc.tuple(row, fc.nat()).map(([value, at]) => {
        const text = JSON.stringify(value);
        return text.slice(0, 1 + (at % (text.length - 1)));
      }),
      fc.constantFrom(
        'oops',
        '{"a":[',
        '{',
        '}',
        ']',
        '{"a":1},',
        "{'a': 1}",
        '{"a":[{"b":1},',
        '"',
        '{"a":"',
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            row.map((value) => ({ value })),
            bad,
          ),
          { maxLength: 8 },
        ),
        async (lines) => {
          const good = [{ value: { text: 'first', n: 1 } }, ...lines, { value: { text: 'last', n: 2 } }];
          const text = good
            .map((line) => (typeof line === 'string' ? line : JSON.stringify(line.value)))
            .join('\n');
          const { rows, problemCount } = await parse(text);
          const expected = good.flatMap((line, at) => (typeof line === 'string' ? [] : [at + 1]));
          const read = new Set(rows.map(({ line }) => line));
          // A truncated line may be complete together with those after it, and then counts as the JSON it is; otherwise
          // it is a problem.
          const lost = expected.filter((line) => !read.has(line));
          const spans = rows.some(({ line }) => typeof good[line - 1] === 'string');
          if (!spans) expect(lost).toEqual([]);
          if (expected.length < good.length && !spans) expect(problemCount).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('a broken one among pretty-printed ones is a single problem', async () => {
    const parsed = await parse('{\n "text": "a"\n "n": 1\n}\n{\n "text": "b"\n}\n{\n "text": "c",\n');
    expect(parsed.rows).toEqual([{ line: 5, value: { text: 'b' } }]);
    expect(codes(parsed)).toEqual(['1 data.json_broken_object', '8 data.json_broken_object']);
    expect(parsed.problems[0]).toMatchObject({ params: { at: 3 } });
    expect(parsed.problems[0]?.text).toContain('"n": 1');
  });

  test('messages for lines that are not JSON', async () => {
    const parsed = await parse(
      [
        '{"text":"a"}',
        '{"text":"b"},',
        "{'text': 'c'}",
        '{"text": "d", "ok": True}',
        '{"x": [None, 1]}',
        '// note',
        '# note',
        ']',
        '{"text":"e"} {"text":"f"}',
        '{"text":"g"} x',
        '{"text": "None, True"}',
      ].join('\n'),
    );
    expect(codes(parsed)).toEqual([
      '2 data.json_trailing_comma',
      '3 data.json_python',
      '4 data.json_python',
      '5 data.json_python',
      '6 data.json_comment',
      '7 data.json_comment',
      '8 data.json_bracket_line',
      '10 data.invalid_json',
    ]);
    expect(parsed.rows.map(({ line, value }) => `${line} ${String(value.text)}`)).toEqual([
      '1 a',
      '9 e',
      '9 f',
      '11 None, True',
    ]);
  });

  test('NaN and Infinity, as Python writes them, are read', async () => {
    const { rows } = await parse('{"text":"a","score":NaN,"x":[-Infinity]}\n{"text":"b"}\n');
    expect(rows[0]?.value).toEqual({ text: 'a', score: NaN, x: [-Infinity] });
  });

  test('a lone CR ends lines, U+2028 does not', async () => {
    const { rows } = await parse('{"text":"a\u2028b"}\r{"text":"c"}\r\r\n{"text":"d"}\n\r{"text":"e"}');
    expect(rows.map(({ line, value }) => [line, value.text])).toEqual([
      [1, 'a\u2028b'],
      [2, 'c'],
      [4, 'd'],
      [6, 'e'],
    ]);
  });

  test('a list on a line is not a row, and neither are its turns', async () => {
    const turns = '[{"role":"user","content":"hi"}]';
    const parsed = await parse(`{"text":"a"}\n${turns}\n`);
    expect(codes(parsed)).toEqual(['2 data.row_not_object']);
    await expect(parse(`${turns}\n${turns}\n`)).rejects.toMatchObject({
      code: 'data.no_valid_rows',
      params: { count: 2 },
    });
  });
});

test('numbers are read as written, integers beyond 2^53 exactly', async () => {
  const { rows } = await parse('{"text":"1.0","id":9007199254740993,"t":1.0,"e":1e3,"f":0.5,"n":3}\n');
  const { id, t, e, f, n } = rows[0]!.value;
  expect([id, t instanceof Number && t.valueOf(), e instanceof Number && e.valueOf(), f, n]).toEqual([
    9007199254740993n,
    1,
    1000,
    0.5,
    3,
  ]);
  expect(structuredClone(rows[0])).toEqual(rows[0]);
});
