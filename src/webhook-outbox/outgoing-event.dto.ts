import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import { OutgoingEvent } from './outgoing-event.entity';
import { outgoingEventTypes } from './outgoing-event.types';

export class ListEventsQuery extends PageQuery {
  /** Only events of this type. */
  @IsOptional()
  @IsIn(outgoingEventTypes)
  type?: string;

  /** Only events about this payout. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  /** Only events about this connected account. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;
}

/** An event: what a webhook's body holds, and what GET /v1/events lists. */
export class OutgoingEventView {
  /** The same in every delivery of it: handle each id once. */
  id: string;
  type: string;
  /** When it happened. Named as Standard Webhooks names it. */
  timestamp: string;
  connected_account: string | null;
  payout: string | null;
  /** The thing it is about, as a GET shows it. Never a secret, never a card number. */
  data: object;
}

export function toOutgoingEventView(event: OutgoingEvent): OutgoingEventView {
  return {
    id: event.id,
    type: event.type,
    timestamp: event.occurredAt.toISOString(),
    connected_account: event.connectedAccountId,
    payout: event.payoutId,
    data: event.data,
  };
}
