import { useState, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import type { ErrorNote } from '../../store/errorNote.ts';
import { errorText, t } from '../text/index.ts';
import { Icon } from './Icon.tsx';

/** A remark in its place: something to know, to look at, or that went well. */
export function Notice({ tone, children }: { tone: 'info' | 'warning' | 'good'; children: ReactNode }) {
  const icon = tone === 'good' ? 'check' : tone;
  return (
    <div className={`notice notice--${tone}`}>
      <Icon name={icon} />
      <div className="notice__text">{children}</div>
    </div>
  );
}

/** A warning with the text of an error that stopped nothing. */
export function WarningNotice({ note }: { note: ErrorNote }) {
  if (!note.code) return null;
  const { what, next } = errorText(note.code, note.params);
  return (
    <Notice tone="warning">
      <p className="notice__what">{what}</p>
      <p>{next}</p>
    </Notice>
  );
}

interface ErrorNoticeProps {
  error: ErrorNote | null;
  onDismiss?: () => void;
  /** A button that does what the text advises. */
  action?: ReactNode;
}

/** An error in its place: what happened and why, then the one thing to do. */
export function ErrorNotice({ error, onDismiss, action }: ErrorNoticeProps) {
  if (!error) return null;
  const { what, next } = error.code
    ? errorText(error.code, error.params)
    : { what: t('error.unexpected', { message: error.message }), next: t('error.unexpectedNext') };
  return (
    <div className="notice notice--error" role="alert">
      <Icon name="warning" />
      <div className="notice__text">
        <p className="notice__what">{what}</p>
        <p>{next}</p>
        {(action || !error.code) && (
          <div className="row row--tight">
            {action}
            {!error.code && <CopyButton text={error.detail} />}
          </div>
        )}
      </div>
      {onDismiss && (
        <Button className="icon-button" aria-label={t('error.dismiss')} onPress={onDismiss}>
          <Icon name="cross" />
        </Button>
      )}
    </div>
  );
}

/** Copies a text to the clipboard and says so. */
export function CopyButton({ text, label = t('error.copy') }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <Button className="button button--small" onPress={copy}>
      {copied ? t('error.copied') : label}
    </Button>
  );
}
