import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { readPrefs } from '../store/prefs.ts';
import { studio } from '../store/index.ts';
import { App } from './App.tsx';
import { placeOf } from './frame/address.ts';
import { keepOffline } from './offline/offline.ts';
import { preferredLanguage, showLanguage } from './text/current.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');
// Before rendering, so that no page flashes in English. Falls back to English without the texts.
await showLanguage(readPrefs().language ?? preferredLanguage(navigator.languages)).catch(() => undefined);
// The view that the address names, at once and without moving the focus.
const place = placeOf(location.hash);
if (place) studio.getState().showView(place.view);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
void keepOffline();
