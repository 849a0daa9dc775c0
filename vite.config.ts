import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { licensesPlugin } from './src/launch/licensesPlugin.ts';
import { offlinePlugin } from './src/launch/offlinePlugin.ts';
import { securityPlugin } from './src/launch/securityPlugin.ts';
import { wgslPlugin } from './src/launch/wgslPlugin.ts';

const licenses = licensesPlugin();

export default defineConfig({
  // Relative addresses, so that dist/ works in any folder of any host.
  base: './',
  plugins: [
    react({ jsxImportSource: '#jsx' }),
    wgslPlugin(),
    securityPlugin(),
    licenses.write,
    offlinePlugin(),
  ],
  worker: { format: 'es', plugins: () => [wgslPlugin(), licenses.collect()] },
  build: { target: 'es2023', sourcemap: true },
});
