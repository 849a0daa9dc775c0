import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { readPrefs } from '../store/prefs.ts';
import { App } from './App.tsx';
import { keepOffline } from './offline/offline.ts';
import { preferredLanguage, showLanguage } from './text/current.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root"');
// Before anything is drawn, so that no page is English for a moment first. Without its texts, English will do.
await showLanguage(readPrefs().language ?? preferredLanguage(navigator.languages)).catch(() => undefined);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
void keepOffline();
