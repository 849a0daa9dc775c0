import { Component, type ErrorInfo, type ReactNode } from 'react';
import type { ViewId } from '../store/state/view.ts';
import { CopyButton } from './controls/Notice.tsx';
import { crashDetails } from './crashDetails.ts';
import { titleOf } from './frame/View.tsx';
import { t } from './text/index.ts';

interface Crash {
  error: unknown;
  /** Component stack; known shortly after the error. */
  components: string | null;
}

interface BoundaryProps {
  /** Shown in place of children that failed to render. */
  instead: (crash: Crash, again: () => void) => ReactNode;
  children: ReactNode;
}

/** Catches rendering errors of its children; the store and the workers continue. */
class Boundary extends Component<BoundaryProps, { crash: Crash | null }> {
  override state: { crash: Crash | null } = { crash: null };

  static getDerivedStateFromError(error: unknown): { crash: Crash } {
    return { crash: { error, components: null } };
  }

  override componentDidCatch(error: unknown, { componentStack }: ErrorInfo): void {
    this.setState({ crash: { error, components: componentStack ?? null } });
  }

  override render(): ReactNode {
    const { crash } = this.state;
    return crash ? this.props.instead(crash, () => this.setState({ crash: null })) : this.props.children;
  }
}

/** The last resort: shows an error of rendering the page, instead of a blank page. */
export function ErrorBoundary({ children }: { children: ReactNode }) {
  return (
    <Boundary
      instead={(crash) => (
        <main className="broken" role="alert">
          <h1>{t('error.boundary')}</h1>
          <p>{t('error.boundaryNext')}</p>
          <Details crash={crash} />
          <div className="row row--tight">
            <ReloadButton />
            <CopyButton text={detailsOf(crash)} />
          </div>
        </main>
      )}
    >
      {children}
    </Boundary>
  );
}

/** Confines a crash to its view: the others stay, and so does a running training. */
export function ViewBoundary({ id, children }: { id: ViewId; children: ReactNode }) {
  return (
    <Boundary
      instead={(crash, again) => (
        <section className="view" id={id} aria-labelledby={titleOf(id)}>
          <header className="view__head">
            <h2 id={titleOf(id)} tabIndex={-1}>
              {t(`view.${id}`)}
            </h2>
          </header>
          <div className="view__body broken__view" role="alert">
            <p>{t('error.step')}</p>
            <p>{t('error.stepNext')}</p>
            <Details crash={crash} />
            <div className="row row--tight">
              <button type="button" className="button button--primary" onClick={again}>
                {t('error.drawAgain')}
              </button>
              <CopyButton text={detailsOf(crash)} />
              <ReloadButton plain />
            </div>
          </div>
        </section>
      )}
    >
      {children}
    </Boundary>
  );
}

const detailsOf = ({ error, components }: Crash): string =>
  crashDetails(error, components, navigator.userAgent);

function Details({ crash }: { crash: Crash }) {
  return <pre>{detailsOf(crash)}</pre>;
}

function ReloadButton({ plain = false }: { plain?: boolean }) {
  return (
    <button
      type="button"
      className={plain ? 'button' : 'button button--primary'}
      onClick={() => location.reload()}
    >
      {t('error.reload')}
    </button>
  );
}
