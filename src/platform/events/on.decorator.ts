import { SetMetadata } from '@nestjs/common';

/** A fact one module announces and others may listen to. Its fields must survive JSON. */
export type EventClass<Event extends object = object> = abstract new (...fields: never[]) => Event;

export const onEventKey = 'disburse:on-event';

/**
 * Marks a method of a provider as a listener: `@On(CardIssued) async afterCardIssued(event: CardIssued)`.
 * Each listener gets its own job per announcement, at least once: it must be idempotent.
 */
export const On = (event: EventClass): MethodDecorator => SetMetadata(onEventKey, event);
