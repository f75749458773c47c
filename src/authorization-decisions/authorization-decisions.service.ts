import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Config } from '../platform/config/config';
import { Metrics } from '../platform/metrics/metrics.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeUnavailable } from '../stripe/stripe.errors';
import { stripeSignatureToleranceMs, verifyStripeSignature } from '../stripe/stripe-signature';
import { AuthorizationDecisionsRepository, Decision, DecisionRequest } from './authorization-decisions.repository';
import { AuthorizationEvent, toAuthorizationEvent } from './authorization-question.policy';
import { UndecidedReason } from './authorization-reason.types';
import { AuthorizationRequestMalformed } from './authorization-question.errors';

/** The answer in Stripe's words. https://docs.stripe.com/issuing/controls/real-time-authorizations */
export type AuthorizationAnswer = Readonly<{
  approved: boolean;
  /** Only when less than asked is approved; minor units. */
  amount?: number;
  metadata: Readonly<Record<string, string>>;
}>;

/** `answer` is empty when Stripe was told by a call; when that call did not get through, it is given here as well. */
export type AnswerToStripe = Readonly<{ answer: AuthorizationAnswer | Record<string, never>; stripeVersion: string }>;

/** The version this code was written for; Stripe reads the answer in the event's own version when it names one. */
const stripeVersionDefault = '2026-10-28.endive';

// Left over to send the answer once it is known, and before that for the answer's way from the database.
const answerMarginMs = 25;
const databaseMarginMs = 25;

/** When a refusal that was sent is written down, again and again; then Stripe's own report of it has come. */
const recordingPausesMs = [0, 1_000, 4_000, 15_000] as const;

/** Answers Stripe's real-time authorization requests, always, and before the deadline. */
@Injectable()
export class AuthorizationDecisionsService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('authorizations');
  /** Refusals that were sent and are still being written down. */
  private readonly recording = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly seconds;
  private readonly unknownCards;
  private readonly untold;
  private readonly otherMode;

  constructor(
    private readonly decisions: AuthorizationDecisionsRepository,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly stripe: StripeGateway,
    metrics: Metrics,
  ) {
    this.seconds = metrics.histogram(
      'disburse_authorization_decision_seconds',
      'From the receipt of an authorization request to its answer.',
      ['reason'],
      [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2],
    );
    this.unknownCards = metrics.counter(
      'disburse_authorization_unknown_cards_total',
      'Authorization requests for cards that were not made here, by what was answered.',
      ['answer'],
    );
    this.otherMode = metrics.counter(
      'disburse_authorization_mode_mismatches_total',
      'Authorization requests of the other mode, live or test: declined.',
    );
    this.untold = metrics.counter(
      'disburse_authorization_verdicts_untold_total',
      'Verdicts that an approve or decline call did not bring to Stripe in time.',
    );
  }

  /**
   * @param elapsedMs since the request arrived
   * @throws {StripeSignatureInvalid} 400
   * @throws {AuthorizationRequestMalformed} 400: signed, but no authorization request
   */
  async answer(rawBody: Buffer, signature: string | undefined, elapsedMs: number): Promise<AnswerToStripe> {
    const startedAt = performance.now() - elapsedMs;
    const now = this.clock.now();
    verifyStripeSignature(
      rawBody,
      signature,
      this.config.stripeAuthorizationWebhookSecrets,
      stripeSignatureToleranceMs,
      now,
    );
    const event = readEvent(rawBody);
    const stripeVersion = event.apiVersion ?? stripeVersionDefault;

    if (event.isLive !== this.config.isLiveMode) {
      this.otherMode.inc();
      this.logger.warn(
        { stripe_event_id: event.question.stripe_event_id },
        'Declined: the event is of the other mode, live or test.',
      );
      return { stripeVersion, answer: { approved: false, metadata: {} } };
    }

    const decidingAt = performance.now();
    const request: DecisionRequest = {
      ...event.question,
      authorization_id: newId(idPrefixes.authorization),
      request_id: newId(idPrefixes.authorizationRequest),
      stages: { arrive: elapsedMs, verify: decidingAt - startedAt - elapsedMs },
    };
    const leftMs = this.config.authorizationDeadlineMs - answerMarginMs - (decidingAt - startedAt);
    const decided = await this.decideWithin(request, now, leftMs);
    const decision = decided.is_known ? decided : this.forUnknownCard(decided);
    const answer = toAnswer(decision);
    const account = request.stripe_account;
    // A call needs the account that holds the authorization. Where the event does not name it, the response is what Stripe reads.
    const isTold =
      this.config.authorizationResponse === 'api' &&
      account !== null &&
      (await this.tell(request, account, answer, startedAt));
    this.log(request, decision, performance.now() - startedAt);
    return { stripeVersion, answer: isTold ? {} : answer };
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.recording);
  }

  /**
   * A Stripe account has one real-time endpoint, so where the account is shared with another card program, that program's questions
   * come here too. Declining them would stop its cards; approving is what Stripe does where no endpoint is set, after the checks of its
   * own. So the one who runs both may choose `approve`; nobody else should, since nothing here stands behind such a card, and no
   * record is made of money that is not in our ledger. A card of ours is never unknown: it is shown to nobody before its id is stored.
   * Without the database we cannot tell whose a card is, and decline.
   */
  private forUnknownCard(decision: Decision): Decision {
    const answer = this.config.unknownCardDecision;
    this.unknownCards.inc({ answer });
    return { ...decision, approved: answer === 'approve' };
  }

  /**
   * Gives the verdict by Stripe's approve or decline call. False when that fails or is late, or when there was no time left for it: then
   * the response says the same. An empty one would leave the verdict to Stripe's default, which may be to approve what we declined; and
   * where the call did arrive after all, it wins over the response and says nothing else.
   * https://docs.stripe.com/issuing/controls/real-time-authorizations/direct-webhook-migration
   */
  private async tell(
    request: DecisionRequest,
    stripeAccount: string,
    answer: AuthorizationAnswer,
    startedAt: number,
  ): Promise<boolean> {
    const timeoutMs = Math.floor(this.config.authorizationDeadlineMs - (performance.now() - startedAt));
    const { stripe_authorization_id: stripeAuthorizationId, history_length: place } = request;
    try {
      if (timeoutMs <= 0) throw new StripeUnavailable('no time left');
      await this.stripe.answerAuthorization(
        {
          stripeAccount,
          stripeAuthorizationId,
          approved: answer.approved,
          amountMinor: answer.amount,
          metadata: answer.metadata,
          // What makes two deliveries one request here, so that the second call changes nothing; a row's id would be new each time.
          idempotencyKey: `authorization-verdict:${stripeAuthorizationId}:${place}`,
        },
        timeoutMs,
      );
      return true;
    } catch (error) {
      this.untold.inc();
      this.logger.error(
        { err: error, stripe_authorization_id: stripeAuthorizationId, approved: answer.approved },
        'Stripe could not be told the verdict by a call in time; it is given in the response.',
      );
      return false;
    }
  }

  private async decideWithin(request: DecisionRequest, now: Date, leftMs: number): Promise<Decision> {
    if (leftMs <= 0) return this.giveUp(request, now, 'deadline_exceeded');
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), leftMs);
    });
    try {
      const deadlineAt = performance.now() + leftMs - databaseMarginMs;
      const decision = await Promise.race([this.decisions.decide(request, now, deadlineAt), deadline]);
      return decision === 'late' ? this.giveUp(request, now, 'deadline_exceeded') : decision;
    } catch (error) {
      const reason = reasonOf(error);
      // The error of a database says nothing of a card; the request itself is not logged.
      this.logger.error(
        { err: error, stripe_authorization_id: request.stripe_authorization_id, reason },
        'An authorization could not be decided and is declined.',
      );
      return this.giveUp(request, now, reason);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Declines at once; the record is written behind the answer. Where even that fails, `.created` brings it later. */
  private giveUp(request: DecisionRequest, now: Date, reason: UndecidedReason): Decision {
    const recording = this.record({ ...request, gave_up: reason }, now).finally(() => this.recording.delete(recording));
    this.recording.add(recording);
    return { is_known: true, approved: false, reason };
  }

  private async record(refusal: DecisionRequest, now: Date): Promise<void> {
    let lastError: unknown;
    for (const pauseMs of recordingPausesMs) {
      try {
        await pause(pauseMs, undefined, { signal: this.stopping.signal });
        await this.decisions.decide(refusal, now);
        return;
      } catch (error) {
        lastError = error;
        if (this.stopping.signal.aborted) break;
      }
    }
    this.logger.error(
      { err: lastError, stripe_authorization_id: refusal.stripe_authorization_id, reason: refusal.gave_up },
      'A declined authorization could not be recorded; it is booked when Stripe reports it.',
    );
  }

  private log(request: DecisionRequest, decision: Decision, elapsedMs: number): void {
    this.seconds.observe({ reason: decision.reason }, elapsedMs / 1_000);
    this.logger.log(
      {
        stripe_authorization_id: request.stripe_authorization_id,
        payout_id: decision.payout_id,
        approved: decision.approved,
        reason: decision.reason,
        repeated: decision.is_repeated ?? false,
        duration_ms: Math.round(elapsedMs * 100) / 100,
      },
      decision.is_known
        ? 'Answered an authorization request.'
        : `${decision.approved ? 'Approved' : 'Declined'} an authorization of a card that is not ours.`,
    );
  }
}

function readEvent(rawBody: Buffer): AuthorizationEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(rawBody.toString('utf8'));
  } catch {
    throw new AuthorizationRequestMalformed('the body is not JSON');
  }
  const event = toAuthorizationEvent(parsed);
  if (!event)
    throw new AuthorizationRequestMalformed('it is not an issuing_authorization.request with a pending request');
  return event;
}

function toAnswer(decision: Decision): AuthorizationAnswer {
  return {
    approved: decision.approved,
    ...(decision.approved && decision.is_partial ? { amount: decision.amount_minor! } : {}),
    // Stripe keeps it on the authorization, where support finds it. Nothing is written on what is not ours.
    metadata: decision.is_known
      ? {
          disburse_reason: decision.reason,
          ...(decision.authorization_id ? { disburse_authorization: decision.authorization_id } : {}),
          ...(decision.payout_id ? { disburse_payout: decision.payout_id } : {}),
        }
      : {},
  };
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function reasonOf(error: unknown): UndecidedReason {
  const code = (error as { code?: unknown }).code;
  if (code === '57014' || code === '55P03') return 'deadline_exceeded';
  // 08: connection, 53: no room, 57: shutting down. No SQLSTATE at all: the database was not reached.
  const isAway = typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57)/.test(code);
  return isAway ? 'database_unavailable' : 'internal_error';
}
