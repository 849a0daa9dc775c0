import { useEffect } from 'react';
import { studio } from '../../store/index.ts';
import { titleOf } from './View.tsx';

/**
 * Keeps the focus off the body, where it would be lost to keyboards and screen readers. Where the element that had it is
 * gone, such as a button that did its work, the view's title takes it. A button that is disabled while it works gets it
 * back when it is enabled.
 */
export function FocusKeeper() {
  useEffect(() => {
    let last: HTMLElement | null = null;
    let frame = 0;
    const remember = ({ target }: FocusEvent) => {
      last = target instanceof HTMLElement && target !== document.body ? target : null;
    };
    const restore = () => {
      frame = 0;
      if (!last || (document.activeElement ?? document.body) !== document.body) return;
      if (last.isConnected && last.checkVisibility()) {
        // Does nothing where it is disabled: a later change tries again.
        last.focus({ preventScroll: true });
        return;
      }
      last = null;
      document.getElementById(titleOf(studio.getState().view))?.focus({ preventScroll: true });
    };
    // A closed dialog or menu gives the focus back by itself, a frame later: what it could not give comes here.
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(() => (frame = requestAnimationFrame(restore)));
    };
    const observer = new MutationObserver(soon);
    /** A click on nothing in particular is no loss. */
    const forget = (event: PointerEvent) => {
      if (
        event.target instanceof Element &&
        !event.target.closest('button, a, input, select, textarea, label')
      )
        last = null;
    };
    window.addEventListener('focusin', remember);
    window.addEventListener('pointerdown', forget);
    const attributeFilter = ['disabled', 'hidden', 'style'];
    observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter });
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('focusin', remember);
      window.removeEventListener('pointerdown', forget);
      observer.disconnect();
    };
  }, []);
  return null;
}
