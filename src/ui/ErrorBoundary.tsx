import { Component, type ReactNode } from 'react';
import { messageOf } from '../lib/errors.ts';
import { CopyButton } from './controls/Notice.tsx';
import { t } from './text/index.ts';

interface ErrorBoundaryState {
  error: unknown;
}

/** Shows what went wrong in drawing the page, instead of a blank one. */
export class ErrorBoundary extends Component<{ children: ReactNode }, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): ErrorBoundaryState {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return (
      <main className="broken" role="alert">
        <h1>{t('error.boundary')}</h1>
        <p>{t('error.boundaryNext')}</p>
        <pre>{messageOf(error)}</pre>
        <div className="row row--tight">
          <button type="button" className="button button--primary" onClick={() => location.reload()}>
            {t('error.reload')}
          </button>
          <CopyButton text={detail} />
        </div>
      </main>
    );
  }
}
