import type { Dataset } from '../../../content/data/dataset/dataset.ts';
import { mappedConversation, type ColumnMapping } from '../../../content/data/rows/columns.ts';
import type { MappedRow } from '../dataProtocol.ts';
import { problemFrom } from './rowProblems.ts';

/** Rows shown while columns are chosen. */
const SHOWN_ROWS = 3;
/** Characters shown of a turn. */
const SHOWN_CHARACTERS = 400;

/** The first rows as a mapping would read them. */
export function mappedRows({ parsed, sheet }: Dataset, mapping: ColumnMapping): MappedRow[] {
  return sheet
    .includedRows()
    .slice(0, SHOWN_ROWS)
    .map((row) => {
      try {
        const conversation = mappedConversation(row, mapping);
        const turns =
          'messages' in conversation
            ? conversation.messages
            : [{ role: 'text' as const, content: 'text' in conversation ? conversation.text : '' }];
        return {
          line: row.line,
          turns: turns.map(({ role, content }) => ({
            role: role as MappedRow['turns'][number]['role'],
            content: brief(content),
          })),
        };
      } catch (error) {
        return { line: row.line, turns: [], problem: problemFrom(error, row.line, parsed.name) };
      }
    });
}

function brief(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
