import { Component, type ErrorInfo, type ReactNode } from 'react';
import { stepIds, type StepId } from '../store/steps.ts';
import { CopyButton } from './controls/Notice.tsx';
import { crashDetails } from './crashDetails.ts';
import { t } from './text/index.ts';

interface Crash {
  error: unknown;
  /** Which components were being drawn; known a moment after the error. */
  components: string | null;
}

interface BoundaryProps {
  /** What is shown in the place of children that could not be drawn. */
  instead: (crash: Crash, again: () => void) => ReactNode;
  children: ReactNode;
}

/** Catches what goes wrong in drawing its children; the store and the workers behind it go on. */
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

/** The last resort: shows what went wrong in drawing the page, instead of a blank one. */
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

/** Keeps a crash of one step to that step: the others stay, and so does a training under way. */
export function StepBoundary({ id, children }: { id: StepId; children: ReactNode }) {
  return (
    <Boundary
      instead={(crash, again) => (
        <section className="step" id={id} aria-labelledby={`${id}-title`} tabIndex={-1}>
          <header className="step__head">
            <span className="step__number" aria-hidden="true">
              {stepIds.indexOf(id) + 1}
            </span>
            <h2 id={`${id}-title`}>{t(`step.${id}`)}</h2>
          </header>
          <div className="step__body broken__step" role="alert">
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
