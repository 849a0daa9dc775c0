import { createHash } from 'node:crypto';
import { chromium, type Browser, type Page, type Route } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { chromiumLaunchOptions } from '../src/launch/chromiumOptions.ts';
import { WAIT } from '../src/testing/browsers/studio.ts';

const token = 'hf_oauth_secretForTests0123456789';
const endpoints = Object.fromEntries(
  ['authorization', 'token', 'userinfo'].map((name) => [
    `${name}_endpoint`,
    `https://huggingface.co/oauth/${name}`,
  ]),
);

/** Stands in for huggingface.co, the only other host that the browser contacts. */
class OfficialHub {
  /** The permissions that the user is asked for. */
  asked: Record<string, string> = {};
  /** The relevant parts of a request to the API. */
  readonly authorizations: (string | undefined)[] = [];
  state: (given: string) => string = (given) => given;

  async answer(route: Route): Promise<void> {
    const request = route.request();
    const url = new URL(request.url());
    const headers = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
    const json = (value: object, status = 200) => route.fulfill({ json: value, status, headers });
    if (request.method() === 'OPTIONS') return route.fulfill({ status: 204, headers });
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(endpoints);
      case '/oauth/authorization': {
        this.asked = Object.fromEntries(url.searchParams);
        const back = new URL(this.asked.redirect_uri!);
        back.search = String(new URLSearchParams({ code: 'the-code', state: this.state(this.asked.state!) }));
        // As after the user's consent: with a page, since the driver does not see redirect targets.
        const body = `<script>location.replace(${JSON.stringify(back.href)})</script>`;
        return route.fulfill({ body, contentType: 'text/html' });
      }
      case '/oauth/token': {
        const { code, code_verifier: verifier = '' } = Object.fromEntries(
          new URLSearchParams(request.postData() ?? ''),
        );
        const right = createHash('sha256').update(verifier).digest('base64url') === this.asked.code_challenge;
        if (code !== 'the-code' || !right) return json({ error: 'invalid_grant' }, 400);
        return json({ access_token: token, token_type: 'bearer', expires_in: 3600, scope: 'openid' });
      }
      case '/oauth/userinfo':
        return json({ sub: '1', name: 'Ada', preferred_username: 'ada', picture: '', profile: '' });
      default:
        this.authorizations.push(request.headers().authorization);
        return json({ error: 'Repository not found' }, 404);
    }
  }
}

describe('signing in with the Hub, for a registered page', () => {
  let browser: Browser;
  let page: Page;
  let hub: OfficialHub;

  beforeAll(async () => {
    browser = await chromium.launch(chromiumLaunchOptions());
  });
  afterAll(() => browser?.close());

  const open = async (): Promise<void> => {
    hub = new OfficialHub();
    // Without the service worker, which would answer with the page as built.
    const context = await browser.newContext({ serviceWorkers: 'block' });
    context.setDefaultTimeout(WAIT);
    page = await context.newPage();
    await page.context().route('https://huggingface.co/**', (route) => hub.answer(route));
    // As whoever registers the page writes it into index.html.
    await page.route(
      (url) => url.href.startsWith(inject('studioUrl')) && url.pathname === '/',
      async (route) => {
        const response = await route.fetch();
        const meta = '<meta name="hf-oauth-client-id" content="graft-test" />';
        await route.fulfill({ response, body: (await response.text()).replace('<title>', `${meta}<title>`) });
      },
    );
    await page.goto(`${inject('studioUrl')}#/model`);
    await page.getByRole('button', { name: 'Connection' }).first().click();
    await signIn();
  };
  const signIn = async (): Promise<void> => {
    const back = page.waitForRequest('**/?code=*');
    await page.getByRole('button', { name: 'Sign in with Hugging Face' }).click();
    await back;
    await page.waitForURL((url) => url.search === '' && url.hash.endsWith('/model'));
    await page.getByRole('button', { name: 'Connection' }).first().click();
  };

  it('returns with a token that only the worker has, and that is only sent to the Hub', async () => {
    await open();
    await page.getByText('Signed in as ada until you close this tab.').waitFor();
    await page.getByLabel('Find a model', { exact: true }).fill('ada/private');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByText('“ada/private” does not exist on huggingface.co, or is private.').waitFor();
    expect(hub.asked).toMatchObject({ client_id: 'graft-test', code_challenge_method: 'S256' });
    expect(hub.asked.scope).toContain('write-repos');
    expect(hub.authorizations).toEqual([`Bearer ${token}`]);
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(stored).not.toContain(token);
    expect(stored).not.toContain('oauth');
    expect(await page.content()).not.toContain(token);
  });

  it('requested by another page is rejected', async () => {
    await open();
    hub.state = (given) => JSON.stringify({ ...(JSON.parse(given) as object), nonce: 'another' });
    await page.getByRole('button', { name: 'Remove token' }).click();
    await signIn();
    await page.getByText('Invalid oauth state in redirected URL').waitFor();
    expect(new URL(page.url()).search).toBe('');
    await page.getByText('A token is set').waitFor({ state: 'detached' });
  });
});
