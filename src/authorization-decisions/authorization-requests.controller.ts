import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MarkedRequest } from '../platform/http/request.types';
import { Public } from '../platform/http/roles.decorator';
import { AnswerToStripe, AuthorizationDecisionsService } from './authorization-decisions.service';

@ApiExcludeController()
@Controller('webhooks/stripe/authorizations')
export class AuthorizationRequestsController {
  constructor(private readonly decisions: AuthorizationDecisionsService) {}

  /**
   * Stripe's `issuing_authorization.request`, answered in the response; with `AUTHORIZATION_RESPONSE=api` by a call before it, and the
   * response is empty. The signature is the key.
   */
  @Post()
  @Public()
  @HttpCode(200)
  async decide(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AnswerToStripe['answer']> {
    const signature = request.headers['stripe-signature'];
    const { answer, stripeVersion } = await this.decisions.answer(
      (request as MarkedRequest).rawBody ?? Buffer.alloc(0),
      typeof signature === 'string' ? signature : undefined,
      reply.elapsedTime,
    );
    // Without it Stripe takes the answer for unreadable. https://docs.stripe.com/issuing/controls/real-time-authorizations
    void reply.header('Stripe-Version', stripeVersion);
    return answer;
  }
}
