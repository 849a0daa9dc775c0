import { hasAllBytes, readBpe } from './bpe.ts';
import { Fields } from './fields.ts';
import { readVocabulary, type Model, type TokenTable } from './model.ts';
import { readUnigram, readUnigramVocabulary, type UnigramVocabulary } from './unigram.ts';
import { readWordLevel, readWordPiece } from './wordModels.ts';

type Json = Readonly<Record<string, unknown>>;

/** The `model` of a tokenizer.json: its tokens, and a function that builds the encoder. */
export interface ModelParts {
  table: TokenTable;
  /** Whether the model can take words as raw text and map their bytes itself. */
  canTakeBytes: boolean;
  /** Builds the model. `takesBytes`: words are raw text. */
  build(takesBytes: boolean): Model;
}

/** Reads the tokens of a model. Throws an Error that names the field. */
export function modelOf(json: Json): ModelParts {
  const fields = Fields.of(json.model, 'model');
  const type = modelType(fields);
  if (type === 'Unigram') {
    const table: UnigramVocabulary = readUnigramVocabulary(fields);
    return { table, canTakeBytes: false, build: () => readUnigram(fields, table) };
  }
  const table = readVocabulary(fields.raw('vocab'));
  if (type === 'BPE') {
    const canTakeBytes = hasAllBytes(fields, table);
    return { table, canTakeBytes, build: (takesBytes) => readBpe(fields, table, takesBytes) };
  }
  const read = type === 'WordPiece' ? readWordPiece : readWordLevel;
  return { table, canTakeBytes: false, build: () => read(fields, table) };
}

type ModelType = 'BPE' | 'Unigram' | 'WordPiece' | 'WordLevel';

/** The model's type; in older files it is inferred from the fields. */
function modelType(fields: Fields): ModelType {
  switch (fields.type) {
    case 'BPE':
    case 'Unigram':
    case 'WordPiece':
    case 'WordLevel':
      return fields.type;
    case null:
      if (fields.raw('merges') !== undefined) return 'BPE';
      if (Array.isArray(fields.raw('vocab'))) return 'Unigram';
      return fields.raw('max_input_chars_per_word') === undefined ? 'WordLevel' : 'WordPiece';
    default:
      return fields.fail('type', 'BPE, Unigram, WordPiece or WordLevel');
  }
}
