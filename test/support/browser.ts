import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';

/** Git-ignored: for people to look at. */
export const screenshotFolder = join(__dirname, '../../test-output/screenshots');

/** A usual phone, in somebody's hand: unlike a headless browser left alone, it names no robot in its hints. */
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
  extraHTTPHeaders: { 'sec-ch-ua': '' },
};

/**
 * A real Chromium from npm, as root or not. Started with its own sandbox off (root has none) and nothing else weakened: the
 * package's own arguments turn web security off, and then a page could read what Stripe's frames hide. Whoever launches it closes it.
 */
export async function launchBrowser(): Promise<Browser> {
  mkdirSync(screenshotFolder, { recursive: true });
  const home = await unpackBrowser();
  return chromium.launch({
    executablePath: join(home, 'chromium'),
    headless: true,
    args: [
      '--no-sandbox',
      '--no-zygote',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--font-render-hinting=none',
      // A person's browser does not call itself automated, and the card page shows nothing to one that does.
      '--disable-blink-features=AutomationControlled',
    ],
    env: { ...process.env, FONTCONFIG_FILE: join(home, 'fonts.conf') },
  });
}

/**
 * The package unpacks into one well-known folder, takes whatever it finds there for finished, and keeps it to one user.
 * Here every user has a folder per version, and it appears in one step, so that test files that start together do not
 * meet half of it.
 */
async function unpackBrowser(): Promise<string> {
  const manifest = join(__dirname, '../../node_modules/@sparticuz/chromium/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const home = join(tmpdir(), `disburse-chromium-${version}-${userInfo().uid}`);
  if (existsSync(home)) return home;

  const staging = await mkdtemp(`${home}-`);
  // A process of its own, because the package asks it, once and for all, where temporary files go.
  const unpack = "import('@sparticuz/chromium').then((packed) => packed.default.executablePath())";
  await promisify(execFile)(process.execPath, ['-e', unpack], {
    cwd: __dirname,
    env: { ...process.env, TMPDIR: staging },
  });
  const fonts = `<fontconfig><dir>${join(home, 'fonts')}</dir><cachedir>${join(home, 'cache')}</cachedir></fontconfig>`;
  await writeFile(join(staging, 'fonts.conf'), fonts);
  // Another file's run may have been quicker: then its folder is as good.
  await rename(staging, home).catch(async (error: unknown) => {
    if (!existsSync(home)) throw error;
    await rm(staging, { recursive: true });
  });
  return home;
}
