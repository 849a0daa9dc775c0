import type { ReactNode } from 'react';
import { useStudio } from '../../store/index.ts';
import type { ErrorNote } from '../../store/errorNote.ts';
import { ErrorNotice } from '../controls/Notice.tsx';
import { PageLink } from './PageLink.tsx';

interface HubErrorProps {
  error: ErrorNote | null;
  onDismiss: () => void;
  /** A button that does what the text advises. */
  action?: ReactNode;
}

/** An error, possibly of the Hub: with a link to its page if that helps. */
export function HubError({ error, onDismiss, action }: HubErrorProps) {
  const { choice, host } = useStudio((state) => state.hub);
  if (error === null) return null;
  const { repo } = error.params;
  const pageHelps = error.code === 'hub.gated' || error.code === 'hub.not_found';
  const endpoint = choice.endpoint?.replace(/\/+$/, '') ?? `https://${host}`;
  const link = pageHelps && typeof repo === 'string' && <PageLink page={`${endpoint}/${repo}`} />;
  return <ErrorNotice error={error} onDismiss={onDismiss} action={action || link} />;
}
