import { randomBytes } from 'node:crypto';
import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CardPageTexts } from '../card-page-texts/card-page-texts.service';
import { Config } from '../platform/config/config';
import { Public } from '../platform/http/roles.decorator';
import { renderPage, stripeJsUrlOf } from './card-page.html';
import { Face } from './card-page.types';
import { CardPagesService, Sight, Visit } from './card-pages.service';
import { PageVisits } from './page-visits.service';

/** The seller's page. Everything that changes something is a POST that only this page's own script or form can make. */
@ApiExcludeController()
@Public()
@Controller('c')
export class CardPagesController {
  private readonly stripeJsUrl: string;

  constructor(
    private readonly cardPages: CardPagesService,
    private readonly texts: CardPageTexts,
    private readonly visits: PageVisits,
    private readonly config: Config,
  ) {
    this.stripeJsUrl = stripeJsUrlOf(config);
  }

  @Get(':token')
  async show(@Req() request: FastifyRequest, @Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const visit = this.visitOf(request, token);
    const waitSeconds = await this.cardPages.limit(token, request.ip);
    if (waitSeconds !== undefined) return this.answerBusy(request, reply, visit, waitSeconds);
    // A click in another site's page, say a mail's, brings no strict cookie. Before anybody is taken for a stranger, and long before
    // a cookie is overwritten, the page loads itself once more from here.
    if (isArrival(request, visit))
      return this.answer(request, reply, visit, { face: { face: 'arriving' }, preferred: null });
    await this.answer(request, reply, visit, await this.cardPages.look(visit));
  }

  /** The passcode's form. */
  @Post(':token')
  async enter(
    @Req() request: FastifyRequest,
    @Param('token') token: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visitOf(request, token);
    const waitSeconds = await this.cardPages.limit(token, request.ip);
    if (waitSeconds !== undefined) return this.answerBusy(request, reply, visit, waitSeconds);
    const { passcode, page } = (request.body ?? {}) as Record<string, unknown>;
    const isOwn = visit.cookies.browser !== null && isFromHere(request);
    const sight = await this.cardPages.enter(visit, passcode, isOwn ? page : undefined);
    if (sight.proofCookie === undefined) return this.answer(request, reply, visit, sight);
    // Seen by GET afterwards, so that loading the page again enters nothing again.
    await reply
      .status(303)
      .headers({ ...pageHeaders, location: request.url, 'set-cookie': sight.proofCookie })
      .send();
  }

  /** What the page's script asks to know whether the page is still true. */
  @Get(':token/status')
  async status(
    @Req() request: FastifyRequest,
    @Param('token') token: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visitOf(request, token);
    const waitSeconds = await this.cardPages.limit(token, request.ip);
    if (waitSeconds !== undefined) return answerJson(reply, 429, { code: 'too_often' }, waitSeconds);
    const { face } = await this.cardPages.look(visit);
    if (face.face !== 'card') return answerJson(reply, 404, { code: 'gone' });
    await answerJson(reply, 200, { version: face.version });
  }

  /** The page's script says that a browser runs it. */
  @Post(':token/views')
  async view(@Req() request: FastifyRequest, @Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const visit = this.visitOf(request, token);
    const waitSeconds = await this.cardPages.limit(token, request.ip);
    if (waitSeconds !== undefined) return answerJson(reply, 429, { code: 'too_often' }, waitSeconds);
    if (isOurScript(request)) await this.cardPages.countView(visit, (request.body as { page?: unknown } | null)?.page);
    // The same for everybody: nothing is learned from asking.
    await reply.status(204).headers(pageHeaders).send();
  }

  /** A person wants to see the card. */
  @Post(':token/reveals')
  async reveal(
    @Req() request: FastifyRequest,
    @Param('token') token: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = this.visitOf(request, token);
    const waitSeconds = await this.cardPages.limit(token, request.ip);
    if (waitSeconds !== undefined) return answerJson(reply, 429, { code: 'too_often' }, waitSeconds);
    if (!isOurScript(request)) return answerJson(reply, 403, { code: 'not_a_person' });
    const answer = await this.cardPages.reveal(visit, request.body);
    if (answer.isShown) {
      void reply.header('set-cookie', this.visits.browserCookie(visit.visitor.browser, true));
      return answerJson(reply, 200, { ephemeral_key_secret: answer.ephemeralKeySecret });
    }
    const statuses = {
      gone: 404,
      reload: 409,
      not_a_person: 403,
      robot: 403,
      too_often: 429,
      unavailable: 503,
    } as const;
    await answerJson(reply, statuses[answer.because], { code: answer.because }, answer.retryAfterSeconds);
  }

  private visitOf(request: FastifyRequest, token: string): Visit {
    const cookies = this.visits.read(request.headers.cookie);
    return {
      token,
      cookies,
      visitor: {
        browser: cookies.browser ?? this.visits.newBrowser(),
        userAgent: nameOf(request),
        address: request.ip,
      },
    };
  }

  private async answerBusy(
    request: FastifyRequest,
    reply: FastifyReply,
    visit: Visit,
    retryAfterSeconds: number,
  ): Promise<void> {
    void reply.header('retry-after', String(retryAfterSeconds));
    await this.answer(request, reply, visit, { face: { face: 'busy', retryAfterSeconds }, preferred: null });
  }

  private async answer(request: FastifyRequest, reply: FastifyReply, visit: Visit, sight: Sight): Promise<void> {
    const { face, preferred } = sight;
    const nonce = randomBytes(16).toString('base64url');
    const words = this.texts.wordsFor({
      asked: (request.query as { lang?: unknown }).lang,
      preferred,
      acceptLanguage: request.headers['accept-language'],
    });
    const isMet = face.face === 'card' || face.face === 'passcode';
    if (isMet && visit.cookies.browser === null) {
      void reply.header('set-cookie', this.visits.browserCookie(visit.visitor.browser, false));
    }
    await reply
      .status(statusOf(face))
      .headers({
        ...pageHeaders,
        'content-type': 'text/html; charset=utf-8',
        'content-language': words.speech.locale,
        'content-security-policy': this.securityPolicy(face, nonce),
        'permissions-policy': `camera=(), geolocation=(), microphone=(), payment=(), clipboard-write=(self "${new URL(this.stripeJsUrl).origin}")`,
      })
      .send(
        renderPage(face, {
          words,
          nonce,
          marketplaceName: this.config.marketplaceName,
          stripeJsUrl: this.stripeJsUrl,
          pageToken: this.visits.pageToken(visit.visitor.browser, visit.token),
        }),
      );
  }

  /** Nothing runs, loads or frames but what this answer needs; Stripe's only where a card can be shown. */
  private securityPolicy(face: Face, nonce: string): string {
    const rules = [
      `default-src 'none'`,
      `style-src 'nonce-${nonce}'`,
      `form-action 'self'`,
      `base-uri 'none'`,
      `frame-ancestors 'none'`,
    ];
    if (face.face !== 'card') return rules.join('; ');
    const own = [`script-src 'nonce-${nonce}'`, `connect-src 'self'`];
    if (!face.page.elements) return [...rules, ...own].join('; ');
    const { origin } = new URL(this.stripeJsUrl);
    // https://docs.stripe.com/security/guide#content-security-policy
    const stripes =
      origin === 'https://js.stripe.com'
        ? {
            scripts: 'https://js.stripe.com https://*.js.stripe.com',
            calls: 'https://api.stripe.com',
            frames: 'https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com',
          }
        : { scripts: origin, calls: origin, frames: origin };
    return [
      ...rules,
      `script-src 'nonce-${nonce}' ${stripes.scripts}`,
      `connect-src 'self' ${stripes.calls}`,
      `frame-src ${stripes.frames}`,
    ].join('; ');
  }
}

const pageHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow, noarchive',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

function statusOf(face: Face): number {
  switch (face.face) {
    case 'gone':
      return 404;
    case 'busy':
      return 429;
    case 'ended':
      return 410;
    case 'elsewhere':
      return 403;
    case 'passcode':
      return face.problem === null ? 200 : 403;
    case 'card':
    case 'arriving':
      return 200;
  }
}

async function answerJson(
  reply: FastifyReply,
  status: number,
  body: object,
  retryAfterSeconds?: number,
): Promise<void> {
  await reply
    .status(status)
    .headers({
      ...pageHeaders,
      'content-type': 'application/json; charset=utf-8',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    })
    .send(JSON.stringify(body));
}

/**
 * Without a cookie and from elsewhere. Browsers say where from (https://www.w3.org/TR/fetch-metadata/), and are believed even where the
 * address was copied with `here` in it; one that does not say is asked once.
 */
function isArrival(request: FastifyRequest, { cookies }: Visit): boolean {
  if (cookies.browser !== null) return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'none' && site !== 'same-origin';
  const isAsked = (request.query as { here?: unknown }).here !== undefined;
  return !isAsked && (request.headers['user-agent'] ?? '').startsWith('Mozilla/');
}

/** A headless browser that borrows another's name often forgets its hints. https://wicg.github.io/ua-client-hints/#sec-ch-ua */
function nameOf({ headers }: FastifyRequest): string | undefined {
  const hints = headers['sec-ch-ua'];
  return headers['user-agent'] && typeof hints === 'string'
    ? `${headers['user-agent']} ${hints}`
    : headers['user-agent'];
}

function isFromHere(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

/** JSON cannot be sent across origins without being asked first, and forms cannot send it at all. */
function isOurScript(request: FastifyRequest): boolean {
  return isFromHere(request) && /^application\/json\b/.test(request.headers['content-type'] ?? '');
}
