import { problemText } from '../data/DataProblems.tsx';

/** Rows that cannot be used, a line each; nothing where there are none. */
export function ProblemList({ problems }: { problems: readonly Parameters<typeof problemText>[0][] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="batch__problems">
      {problems.map((problem) => (
        <li key={problem.line}>{problemText(problem)}</li>
      ))}
    </ul>
  );
}
