import { useEffect } from 'react';
import { Button } from 'react-aria-components';
import type { EvaluationReport, Pair } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { pairsOf, shownRow, tallyVotes, votableRows, votesOnPair } from '../../../store/votes.ts';
import { t } from '../../text/index.ts';
import { formatSigned } from './EvaluationTables.tsx';

interface VotingProps {
  report: EvaluationReport;
  /** What answers, in words. */
  names: readonly string[];
}

/** What each key does while answers are voted on. */
const KEYS: Record<string, 'a' | 'b' | 'tie' | 'undo'> = { a: 'a', b: 'b', t: 'tie', Backspace: 'undo' };

/** Which of two answers is better, asked without saying whose they are; and what came of it. */
export function Voting({ report, names }: VotingProps) {
  const voting = useStudio((state) => state.evaluation.voting);
  const pairs = pairsOf(report).filter((pair) => votableRows(report, pair).length > 0);
  if (report.systems.length < 2 || report.rows.every((row) => row.systems[0]!.answer === null)) return null;
  if (pairs.length === 0) return <p className="remark">{t('vote.none')}</p>;
  return (
    <div className="vote">
      {voting ? (
        <Ballot report={report} pair={voting} />
      ) : (
        <>
          <div className="row">
            {pairs.map((pair) => (
              <StartButton key={pair.join()} pair={pair} names={names} alone={pairs.length === 1} />
            ))}
            <p className="remark">{t('vote.help')}</p>
          </div>
          {pairs.map((pair) => (
            <Result key={pair.join()} report={report} pair={pair} names={names} />
          ))}
        </>
      )}
    </div>
  );
}

function StartButton({ pair, names, alone }: { pair: Pair; names: readonly string[]; alone: boolean }) {
  const setVoting = useStudio((state) => state.setVoting);
  const busy = useStudio((state) => busyWith(state) !== null);
  const [a, b] = pair;
  return (
    <Button className="button" isDisabled={busy} onPress={() => setVoting(pair)}>
      {alone
        ? t('vote.start')
        : `${t('vote.start')}: ${t('vote.pairOf', { a: names[a] ?? '', b: names[b] ?? '' })}`}
    </Button>
  );
}

/** A row's two answers, on sides that a seed shuffled. */
function Ballot({ report, pair }: { report: EvaluationReport; pair: Pair }) {
  const evaluation = useStudio((state) => state.evaluation);
  const vote = useStudio((state) => state.vote);
  const unvote = useStudio((state) => state.unvote);
  const setVoting = useStudio((state) => state.setVoting);
  const shown = shownRow(evaluation);
  const of = votableRows(report, pair).length;
  const done = votesOnPair(report, pair, evaluation.votes).length;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      const isTyping = (event.target as HTMLElement).closest('input, textarea, select') !== null;
      if (!key || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (key === 'undo') unvote();
      else vote(key);
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [vote, unvote]);
  const [first, second] = shown?.answers ?? ['', ''];
  const sides = shown?.swapped ? [second, first] : [first, second];
  return (
    <>
      <p className="batch__progress" role="status">
        {shown ? t('vote.row', { n: done + 1, of }) : t('vote.done')}
      </p>
      {shown && (
        <>
          <p className="turn__text">{shown.prompt}</p>
          <div className="answers">
            {(['A', 'B'] as const).map((side, i) => (
              <article key={side} className="answer" data-side={i === 0 ? 'left' : 'right'} aria-label={side}>
                <p className="answer__by">{side}</p>
                {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it may scroll */}
                <p className="answer__text" tabIndex={0}>
                  {sides[i] || <span className="answer__empty">{t('try.emptyAnswer')}</span>}
                </p>
              </article>
            ))}
          </div>
        </>
      )}
      <div className="row">
        {(['a', 'b', 'tie'] as const).map((side) => (
          <Button key={side} className="button" isDisabled={!shown} onPress={() => vote(side)}>
            {t(`vote.${side}`)}
          </Button>
        ))}
        <Button className="button button--quiet" isDisabled={done === 0} onPress={unvote}>
          {t('vote.undo')}
        </Button>
        <Button className="button button--quiet" onPress={() => setVoting(null)}>
          {t('vote.stop')}
        </Button>
        <p className="remark">{t('vote.keys')}</p>
      </div>
    </>
  );
}

/** How often each was preferred, with an interval of the difference. */
function Result({ report, pair, names }: VotingProps & { pair: Pair }) {
  const votes = useStudio((state) => state.evaluation.votes);
  const own = votesOnPair(report, pair, votes);
  if (own.length === 0) return null;
  const { first, second, ties, difference } = tallyVotes(own, report.seed);
  const [a, b] = pair;
  return (
    <p className="vote__result">
      {t('unit.sentences', {
        first: t('vote.result', { a: names[a] ?? '', b: names[b] ?? '', first, second, ties }),
        second: t('vote.share', {
          difference: formatSigned(difference.difference),
          low: formatSigned(difference.low),
          high: formatSigned(difference.high),
        }),
      })}
    </p>
  );
}
