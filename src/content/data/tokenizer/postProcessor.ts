import type { Fields } from './fields.ts';
import { isTokenId } from './model.ts';

/** The template around a text: ids of special tokens, and null for the text's own tokens. */
export type Frame = readonly (number | null)[];

/** Builds the frame of `post_processor`. Throws an Error that names the unsupported feature. */
export function readFrame(fields: Fields): Frame {
  switch (fields.type) {
    case 'ByteLevel':
      return [null];
    case 'TemplateProcessing':
      return templateFrame(fields);
    case 'BertProcessing':
    case 'RobertaProcessing':
      return [pairId(fields, 'cls'), null, pairId(fields, 'sep')];
    case 'Sequence': {
      const frames = fields.parts('processors').map(readFrame);
      const adding = frames.filter((frame) => frame.length !== 1 || frame[0] !== null);
      // A second processor sees the pieces of the first as a pair of texts.
      if (adding.length > 1) fields.refuse('more than one processor that adds tokens');
      return adding[0] ?? [null];
    }
    default:
      return fields.refuse(`the post-processor ${fields.type ?? 'without a type'}`);
  }
}

function templateFrame(fields: Fields): Frame {
  const known = fields.part('special_tokens');
  return fields.parts('single').flatMap((piece): (number | null)[] => {
    if (piece.raw('Sequence') !== undefined) {
      const name = piece.part('Sequence').string('id');
      return name === 'A' ? [null] : piece.refuse(`the sequence ${name} in a template of one`);
    }
    const special = known.part(piece.part('SpecialToken').string('id'));
    return special.list('ids').map((id) => (isTokenId(id) ? id : special.fail('ids', 'ids of tokens')));
  });
}

function pairId(fields: Fields, name: string): number {
  const [, id] = fields.list(name);
  return isTokenId(id) ? id : fields.fail(name, 'a token and its id');
}
