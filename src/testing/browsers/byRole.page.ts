// Runs in a page: finds what a screen reader would announce by a role and a name.
import { computeAccessibleName, getRole, isDisabled, isInaccessible } from 'dom-accessibility-api';
import type { Target } from './studio.ts';

declare global {
  /** The enabled, visible element with this role and exact accessible name; the first where there are several. */
  var findByRole: (target: Target) => Element | null;
}

globalThis.findByRole = ({ role, name }) =>
  [...document.querySelectorAll('*')].find(
    (element) =>
      getRole(element) === role &&
      computeAccessibleName(element).replace(/\s+/g, ' ').trim() === name &&
      !isInaccessible(element) &&
      !isDisabled(element) &&
      element.checkVisibility(),
  ) ?? null;
