import { studio } from '../../store/index.ts';

/** Read access suffices for gated and private models; write access is for pushing. */
const SCOPES = 'openid profile read-repos write-repos';

/** Where the address of the view is kept while the Hub's page is shown: redirects lose it. */
const VIEW_KEY = 'graft.view';

interface SpaceWindow {
  huggingface?: { variables?: { OAUTH_CLIENT_ID?: string; OAUTH_SCOPES?: string } };
}

/** The Hub's client id of this page: from a Space's variables, elsewhere from the page's head. */
function clientId(): string | undefined {
  const space = (window as unknown as SpaceWindow).huggingface?.variables;
  const meta = document.querySelector<HTMLMetaElement>('meta[name="hf-oauth-client-id"]');
  return space?.OAUTH_CLIENT_ID || meta?.content.trim() || undefined;
}

/** Whether the user can sign in here: only if the page is registered with the Hub. */
export function canSignIn(): boolean {
  return clientId() !== undefined;
}

/** Redirects to the Hub's page, which redirects back with a code. */
export async function signIn(): Promise<void> {
  const { oauthLoginUrl } = await import('@huggingface/hub');
  const redirectUrl = location.origin + location.pathname;
  sessionStorage.setItem(VIEW_KEY, location.hash);
  location.href = await oauthLoginUrl({ clientId: clientId()!, scopes: SCOPES, redirectUrl });
}

let finishing: Promise<void> | null = null;

/**
 * After the redirect back from the Hub: passes the token to its worker, and removes the code from the address; once.
 */
export function finishSignIn(): Promise<void> {
  finishing ??= finish();
  return finishing;
}

async function finish(): Promise<void> {
  const query = new URLSearchParams(location.search);
  if (!canSignIn() || !query.has('state') || !(query.has('code') || query.has('error'))) return;
  const { oauthHandleRedirect } = await import('@huggingface/hub');
  try {
    const { accessToken, userInfo } = await oauthHandleRedirect();
    await studio.getState().setToken(accessToken, userInfo.preferred_username);
  } catch (error) {
    studio.getState().refuseSignIn(error);
  } finally {
    for (const name of ['nonce', 'code_verifier']) localStorage.removeItem(`huggingface.co:oauth:${name}`);
    // Back to the view that asked.
    history.replaceState(null, '', location.pathname);
    location.hash = sessionStorage.getItem(VIEW_KEY) ?? '';
    sessionStorage.removeItem(VIEW_KEY);
  }
}
