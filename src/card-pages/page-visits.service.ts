import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { KeyedHashes } from '../platform/encryption/keyed-hash.service';
import { Clock } from '../shared/clock';

// `__Host-`: only this host can have set it, over a secure connection, for all paths. (Chromium and Firefox take http://127.0.0.1 for one.)
const browserCookie = '__Host-disburse-browser';
const passcodeCookie = '__Host-disburse-passcode';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';
/** The longest that browsers keep a cookie. */
const boundSeconds = 400 * 86_400;
const provedSeconds = 15 * 60;
const browserShape = /^[A-Za-z0-9_-]{43}$/;

/** What a browser shows of itself with each request. */
export type VisitCookies = Readonly<{ browser: string | null; proof: string | null }>;

/**
 * Tells browsers apart, and pages of ours from forgeries. Everything here is in cookies and forms, signed where it must be ours:
 * nothing is stored before a card is shown.
 */
@Injectable()
export class PageVisits {
  constructor(
    private readonly keyedHashes: KeyedHashes,
    private readonly clock: Clock,
  ) {}

  read(cookieHeader: string | undefined): VisitCookies {
    const cookies = new Map(
      (cookieHeader ?? '').split(';').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      }),
    );
    const browser = cookies.get(browserCookie) ?? '';
    return { browser: browserShape.test(browser) ? browser : null, proof: cookies.get(passcodeCookie) ?? null };
  }

  newBrowser(): string {
    return randomBytes(32).toString('base64url');
  }

  /** `isBound`: it has shown a card, and is to be known again for as long as browsers allow. Until then it goes with the window. */
  browserCookie(browser: string, isBound: boolean): string {
    return `${browserCookie}=${browser}; ${attributes}${isBound ? `; Max-Age=${boundSeconds}` : ''}`;
  }

  /** Goes into a page's form or script, and comes back with what is sent from there: against forged requests, which lack it. */
  pageToken(browser: string, linkToken: string): string {
    const issuedAt = this.clock.now().getTime().toString(36);
    return `${issuedAt}.${this.keyedHashes.make('card-page', `${browser}\n${linkToken}\n${issuedAt}`)}`;
  }

  /** How old the page is that a token comes from, in milliseconds; null when it is no page of ours, for this browser and link. */
  ageOf(pageToken: unknown, browser: string, linkToken: string): number | null {
    if (typeof pageToken !== 'string') return null;
    const [issuedAt = '', hash = ''] = pageToken.split('.');
    if (!this.keyedHashes.isMadeOf(hash, 'card-page', `${browser}\n${linkToken}\n${issuedAt}`)) return null;
    return this.clock.now().getTime() - parseInt(issuedAt, 36);
  }

  /** Remembers for a quarter of an hour, in the browser alone, that it proved a link's passcode. */
  proofCookie(browser: string, cardLinkId: string): string {
    const until = (this.clock.now().getTime() + provedSeconds * 1_000).toString(36);
    const hash = this.keyedHashes.make('card-passcode-proof', `${browser}\n${cardLinkId}\n${until}`);
    return `${passcodeCookie}=${until}.${hash}; ${attributes}; Max-Age=${provedSeconds}`;
  }

  hasProof({ browser, proof }: VisitCookies, cardLinkId: string): boolean {
    if (browser === null || proof === null) return false;
    const [until = '', hash = ''] = proof.split('.');
    if (!this.keyedHashes.isMadeOf(hash, 'card-passcode-proof', `${browser}\n${cardLinkId}\n${until}`)) return false;
    return parseInt(until, 36) > this.clock.now().getTime();
  }
}
