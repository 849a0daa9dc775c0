import { useId, useState, type CSSProperties, type KeyboardEvent } from 'react';
import type { AnswerPiece } from '../../../../hosts/browser/protocol.ts';
import { formatShare } from '../../format.ts';
import { t } from '../../text/index.ts';

interface AnswerTokensProps {
  pieces: readonly AnswerPiece[];
  /** Whether each token is shown by its probability, and keys go through them. */
  listed: boolean;
}

/** An answer by its tokens: the one under the pointer, or that keys have reached, with its probability. */
export function AnswerTokens({ pieces, listed }: AnswerTokensProps) {
  const [at, setAt] = useState<number | null>(null);
  const id = useId();
  const shown = at === null ? undefined : pieces[at];
  const onKeyDown = (event: KeyboardEvent) => {
    const next = { ArrowRight: (at ?? -1) + 1, ArrowLeft: (at ?? 1) - 1, Home: 0, End: pieces.length - 1 }[
      event.key
    ];
    if (next === undefined) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(pieces.length - 1, next)));
  };
  const tokens = pieces.map((piece, i) => (
    <span
      // oxlint-disable-next-line react/no-array-index-key -- tokens keep their places
      key={i}
      className="answer__token"
      data-now={i === at}
      onPointerEnter={() => setAt(i)}
      {...(listed && {
        id: `${id}-${i}`,
        role: 'option',
        'aria-selected': i === at,
        'aria-label': `${visible(piece.text)}, ${formatShare(piece.p)}`,
        style: { '--p': piece.p } as CSSProperties,
      })}
    >
      {listed && piece.text === '' ? '·' : piece.text}
    </span>
  ));
  return (
    <div className="answer__tokens" onPointerLeave={() => setAt(null)}>
      {listed ? (
        <div
          className="answer__text"
          role="listbox"
          aria-label={t('chat.tokens')}
          aria-orientation="horizontal"
          aria-activedescendant={at === null ? undefined : `${id}-${at}`}
          tabIndex={0}
          onKeyDown={onKeyDown}
          onFocus={() => setAt(at ?? 0)}
        >
          {tokens}
        </div>
      ) : (
        <p className="answer__text">{tokens}</p>
      )}
      {(listed || shown) && (
        <p className="answer__chances" data-listed={listed}>
          {shown ? chancesText(shown) : t('chat.chancesHelp')}
        </p>
      )}
    </div>
  );
}

/** The probability of a token, and those of the likeliest at its place. */
function chancesText({ text, p, likeliest }: AnswerPiece): string {
  const others = likeliest.map((one) =>
    t('chat.chance', { token: visible(one.text), p: formatShare(one.p) }),
  );
  const chosen = t('chat.chance', { token: visible(text), p: formatShare(p) });
  return t('chat.chanceOf', { chosen, others: others.join(' · ') });
}

/** A token with its spaces and breaks as marks. */
function visible(text: string): string {
  return text === '' ? '·' : text.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}
