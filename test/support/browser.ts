import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Chromium from '@sparticuz/chromium';
import { Browser, chromium } from 'playwright-core';

/** Git-ignored: for people to look at. */
export const screenshotFolder = join(__dirname, '../../test-output/screenshots');

/**
 * A real Chromium from npm. Started with its own sandbox off (root has none) and nothing else weakened: the package's own arguments
 * turn web security off, and then a page could read what Stripe's frames hide.
 */
export async function launchBrowser(): Promise<Browser> {
  mkdirSync(screenshotFolder, { recursive: true });
  const executablePath = await Chromium.executablePath();
  if (!existsSync(executablePath)) throw new Error('Chromium was not unpacked.');
  return chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  });
}
