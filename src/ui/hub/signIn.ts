import { studio } from '../../store/index.ts';

/** Reading is enough for gated and private models; writing is for pushing. */
const SCOPES = 'openid profile read-repos write-repos';

interface SpaceWindow {
  huggingface?: { variables?: { OAUTH_CLIENT_ID?: string; OAUTH_SCOPES?: string } };
}

/** The id under which this page is known to the Hub: on a Space from its variables, elsewhere from the page's head. */
function clientId(): string | undefined {
  const space = (window as unknown as SpaceWindow).huggingface?.variables;
  const meta = document.querySelector<HTMLMetaElement>('meta[name="hf-oauth-client-id"]');
  return space?.OAUTH_CLIENT_ID || meta?.content.trim() || undefined;
}

/** Whether a person can sign in here: only where the Hub knows the page. */
export function canSignIn(): boolean {
  return clientId() !== undefined;
}

/** Leaves for the Hub's own page, which comes back here with a code. */
export async function signIn(): Promise<void> {
  const { oauthLoginUrl } = await import('@huggingface/hub');
  const redirectUrl = location.origin + location.pathname;
  location.href = await oauthLoginUrl({ clientId: clientId()!, scopes: SCOPES, redirectUrl });
}

let finishing: Promise<void> | null = null;

/** After the way back from the Hub: gives the token to its worker, and takes the code out of the address; once. */
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
    history.replaceState(null, '', location.pathname + location.hash);
  }
}
