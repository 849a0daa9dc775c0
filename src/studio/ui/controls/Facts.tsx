import type { ReactNode } from 'react';

/** A list of named values, in as many columns as fit. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

/** One named value. */
export function Fact({ name, children, note }: { name: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>
        {children}
        {note && <span className="fact__note">{note}</span>}
      </dd>
    </div>
  );
}
