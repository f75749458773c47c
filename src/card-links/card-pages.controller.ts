import { randomBytes } from 'node:crypto';
import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../platform/http/roles.decorator';
import { renderCardPage, renderNoSuchLinkPage, renderPasscodePage } from './card-link.page';
import { CardLinksService, LinkVisit } from './card-links.service';

/** The seller's page. No script, nothing from elsewhere, nothing kept by browsers or proxies. */
@ApiExcludeController()
@Public()
@Controller('c')
export class CardPagesController {
  constructor(private readonly cardLinks: CardLinksService) {}

  @Get(':token')
  async show(@Req() request: FastifyRequest, @Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    const visit = await this.cardLinks.visit(token, request.headers['user-agent'], request.method === 'GET');
    await answer(reply, visit);
  }

  @Post(':token')
  async enter(
    @Req() request: FastifyRequest,
    @Param('token') token: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const passcode = (request.body as { passcode?: unknown } | null | undefined)?.passcode;
    await answer(reply, await this.cardLinks.enter(token, passcode));
  }
}

async function answer(reply: FastifyReply, visit: LinkVisit): Promise<void> {
  const nonce = randomBytes(16).toString('base64url');
  await reply
    .status(visit.show === 'nothing' ? 404 : visit.show === 'passcode' && visit.wasWrong ? 403 : 200)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-robots-tag': 'noindex, nofollow',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
    })
    .send(render(visit, nonce));
}

function render(visit: LinkVisit, nonce: string): string {
  switch (visit.show) {
    case 'nothing':
      return renderNoSuchLinkPage(nonce);
    case 'passcode':
      return renderPasscodePage(visit.marketplaceName, nonce, visit.wasWrong);
    case 'card':
      return renderCardPage(visit.page, nonce);
  }
}
